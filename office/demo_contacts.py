"""What stands in the address books of the demo: contacts that show each cure, the group's book, lists."""

from datetime import datetime

from contacts import filing, lists
from contacts.books import book_of, books_of
from contacts.filing import Card
from contacts.models import Book, Contact, Group, User

MOBILE, WORK, HOME, FAX = "mobile", "work", "home", "fax"
OF_ANNA = (
    Card(first_name="Jan", last_name="Peeters", company="Bakkerij Peeters", language="nl",
         numbers=[("+32 475 98 76 54", MOBILE), ("+32 2 555 12 12", WORK)], emails=[("jan@bakkerij.example", WORK)]),
    Card(first_name="Els", last_name="Janssens", numbers=[("0476 55 44 33", MOBILE)], notes="Liefst na 18 uur."),
    Card(first_name="Marc", last_name="Claes", company="Claes & Zonen", numbers=[("0032 477 22 33 44", MOBILE)]),
    Card(first_name="Sofie", last_name="Willems", numbers=[("+32 (0)478 33 44 55", MOBILE)]),
    Card(first_name="Tom", last_name="Maes", company="Garage Maes", numbers=[("+32 479 44 55 66", WORK)]),
    Card(first_name="Griet", last_name="Goossens", numbers=[("+32 470 11 22 33 ext 3", MOBILE)]),
    Card(first_name="Lucas", last_name="Wouters", numbers=[("+32 47I 22 33 44", MOBILE)]),
    Card(first_name="Emma", last_name="Jansen", language="nl", numbers=[("+31 6 12345678", MOBILE)]),
    Card(first_name="Grace", last_name="Miller", language="en", numbers=[("+1 202 555 0123", MOBILE)]),
    Card(first_name="Haruka", last_name="Sato", numbers=[("+81 90 1234 5678", MOBILE)]),
    Card(company="Infolijn Stad", numbers=[("+32 800 12345", WORK)]),
    Card(first_name="Nele", last_name="De Smet", emails=[("nele@example.org", HOME)]),
)  # fmt: skip
OF_BEN = (
    Card(first_name="Claire", last_name="Lambert", language="fr", numbers=[("+33 6 12 34 56 78", MOBILE)]),
    Card(first_name="Pierre", last_name="Renard", language="fr", numbers=[("0497 12 34 56", MOBILE)]),
)
OF_THE_TEAM = (
    Card(first_name="Zoé", last_name="Dubois", company="Atelier Zoé", language="fr",
         numbers=[("+32 496 12 34 56", MOBILE), ("+32 2 555 13 13", FAX)]),
    Card(first_name="Jan", last_name="Peeters", company="Bakkerij Peeters", numbers=[("+32 475 98 76 54", MOBILE)]),
    Card(first_name="Omar", last_name="El Amrani", numbers=[("+32 486 65 43 21", MOBILE)]),
    Card(first_name="Lotte", last_name="Vermeulen", numbers=[("0493 11 22 33", MOBILE)]),
)  # fmt: skip


def fill(*, owner: User, colleague: User, team: Group, now: datetime) -> None:
    """Fill the books of two people and of their group, and make a list in each; nobody else sees any of it."""
    own = _filed(book_of(owner), OF_ANNA, now=now)
    shared = _filed(team.book, OF_THE_TEAM, now=now)
    _filed(book_of(colleague), OF_BEN, now=now)
    mine, group = books_of(owner)
    board = lists.make(mine, "Bestuur", now=now)
    lists.put_in(board, [each.pk for each in (*own[:5], *shared[:2])], by=owner)
    clients = lists.make(group, "Klanten", now=now)
    lists.put_in(clients, [each.pk for each in shared], by=owner)


def _filed(book: Book, cards: tuple[Card, ...], *, now: datetime) -> list[Contact]:
    return filing.file_many(book, cards, country="BE", now=now)
