"""Address books: pages, search and the picker in a book of 50,000 contacts, against one of 500; curing many at once."""

from collections.abc import Callable, Iterator

from django.test import Client, override_settings
from django.utils import timezone

from contacts import cures, filing
from contacts.books import book_of
from contacts.filing import Card
from contacts.models import Book, User
from sms.recipients import entry
from tests.bench.figures import Figure, percentile, ratio, value
from tests.bench.pages import PLAIN_FILES, pages
from tests.bench.rows import row
from tests.bench.run import Run, inside, milliseconds, seconds
from tests.people import person

CHUNK = 5_000


def filled(many: int, *, number: str = "+32470{:06}") -> tuple[User, Client, float]:
    """Make a user with a book of so many contacts, signed in; return how long filing took, in seconds, too."""
    user = person("anna", parts=30, now=timezone.now())
    book = book_of(user)
    client = Client()
    client.force_login(user)
    took = seconds(
        lambda: [_file(book, range(start, min(start + CHUNK, many)), number) for start in range(0, many, CHUNK)]
    )
    return user, client, took


def _file(book: Book, places: range, number: str) -> None:
    cards = [
        Card(first_name=f"P{each}", last_name=f"Peeters {each % 977}", company=f"Bouw {each % 97}",
             numbers=[(number.format(each), "mobile"), ("02 555 12 12", "work")])
        for each in places
    ]  # fmt: skip
    filing.file_many(book, cards, country="BE", now=timezone.now())


@row
def contact_book(run: Run) -> Iterator[Figure]:
    """A page of the book, a search in it, and the picker as one types, with 50,000 contacts and with 500."""
    with override_settings(STORAGES=PLAIN_FILES), run.office(main={}) as small:
        _user, of_small, _took = filled(run.size(500, tiny=30))
        with run.office(main={}) as large:
            many = run.size(50_000, tiny=60)
            _user, of_large, took = filled(many)
            for name, look in _looks().items():
                yield run.compare(
                    f"contact_book.{name}", unit="ms", goal=_GOALS[name], floor_is="with 500 contacts",
                    ours=inside(large, lambda look=look: _p95(run, of_large, look)),
                    floor=inside(small, lambda look=look: _p95(run, of_small, look)),
                )  # fmt: skip
            yield Figure("contact_book.filed", "contacts/s", [many / took], more={"contacts": many})


# a page is read by key; a search looks at each contact of the books that the user may read
_GOALS = {"page": ratio(at_most=1.3), "search": value(at_most=150), "picker": value(at_most=150)}


def _looks() -> dict[str, Callable[[Client], None]]:
    def get(address: str) -> Callable[[Client], None]:
        def look(client: Client) -> None:
            answer = client.get(address)
            assert answer.status_code == 200, answer

        return look

    def pick(client: Client) -> None:
        posted = {"press": "look", "q": "peeters 47", "text": "", "mobile": "", "pick": entry("P1", "+32470000001")}
        answer = client.post("/sms/", posted, headers={"HX-Request": "true"})
        assert answer.status_code == 200, answer

    return {"page": get("/contacts/"), "search": get("/contacts/?q=peeters+0470+12"), "picker": pick}


def _p95(run: Run, client: Client, look: Callable[[Client], None]) -> float:
    return percentile(pages(run, lambda: look(client)), 0.95)


@row
def cure_all(run: Run) -> Iterator[Figure]:
    """One click that cures 10,000 numbers, and its undo."""
    many = run.size(10_000, tiny=20)
    with run.office(main={}):
        user, _client, _took = filled(many, number="0470 {:06}")
        book = book_of(user)
        [group, *_others] = [each for each in cures.groups_of(book) if each.how]

        def once() -> float:
            now = timezone.now()
            batches = []
            took = milliseconds(lambda: batches.append(cures.cure_all(group, book=book, by=user, now=now)))
            assert cures.undo(batches[0], now=now) == many
            return took

        yield run.measure("cure_all", unit="ms", once=once, goal=value(at_most=3_000), numbers=many)
