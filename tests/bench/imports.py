"""Importing: a CSV of 10,000 contacts, from the first byte to all of them in the book."""

from collections.abc import Iterator

from django.utils import timezone

from contacts import imports
from contacts.books import book_of
from contacts.imports import Upload
from contacts.models import Contact, ImportBatch
from tests.bench.figures import Figure, value
from tests.bench.rows import row
from tests.bench.run import Run, seconds
from tests.people import person

HEAD = b"First name,Last name,Company,Mobile,Work phone,E-mail,Language,Notes\n"


def line(each: int) -> bytes:
    """One person, with a number that can get SMS, one that cannot, and an address."""
    return f"P{each},N{each},Bouw,0470 {each:06},02 555 12 12,p{each}@example.org,nl,note\n".encode()


@row
def import_contacts(run: Run) -> Iterator[Figure]:
    """A CSV of 10,000 contacts into an empty book: read, judged, looked for among those there, and filed."""
    many = run.size(10_000, tiny=20)
    pieces = [HEAD, *(b"".join(map(line, range(start, min(start + 500, many)))) for start in range(0, many, 500))]
    with run.office():
        book = book_of(person(now=timezone.now()))

        def work() -> None:
            batch = imports.begin(book, Upload("crowd.csv", pieces), by=book.user, now=timezone.now())
            imports.work(clock=timezone.now)
            imports.confirm(batch)
            imports.work(clock=timezone.now)

        def once() -> float:
            took = seconds(work)
            assert Contact.objects.filter(deleted_at=None).count() == many
            Contact.objects.all().delete()
            ImportBatch.objects.all().delete()
            return took

        yield run.measure("import_contacts", unit="s", once=once, goal=value(at_most=10), contacts=many)
