"""Address books for tests: anna's own, the group Team of anna and ben, and carla who sees neither."""

from dataclasses import dataclass
from typing import Any

from contacts import filing, group_members
from contacts.books import book_of
from contacts.filing import Card
from contacts.models import Book, Contact, ContactList, Group, ListMember, Membership, User
from tests.people import NOW, person


@dataclass
class Shelves:
    """Three people and two books: one's own, and a group's in which ben may only read."""

    anna: User
    ben: User
    carla: User
    team: Group
    own: Book
    shared: Book


def shelves(**record: Any) -> Shelves:
    anna, ben, carla = (person(name, **record) for name in ("anna", "ben", "carla"))
    team = group_members.make("Team", owner=anna)
    Membership.objects.create(group=team, user=ben, role="reader")
    return Shelves(anna, ben, carla, team, book_of(anna), team.book)


def contact(book: Book, name: str, *numbers: str, kind: str = "mobile", **card: Any) -> Contact:
    """File somebody with these numbers."""
    first, _blank, last = name.partition(" ")
    said = Card(first_name=first, last_name=last, numbers=[(number, kind) for number in numbers], **card)
    return filing.file(book, said, country="BE", now=NOW)


def a_list(book: Book, name: str, *members: Contact) -> ContactList:
    made = ContactList.objects.create(book=book, name=name, created_at=NOW)
    ListMember.objects.bulk_create([ListMember(list=made, contact=each) for each in members])
    return made


def crowd(book: Book, many: int, *, start: int = 0) -> list[Contact]:
    """File so many people, each with a mobile number of their own; return them by name."""
    cards = [
        Card(first_name=f"P{each:05}", last_name="Crowd", numbers=[(f"+32470{each:06}", "mobile")])
        for each in range(start, start + many)
    ]
    return sorted(filing.file_many(book, cards, country="BE", now=NOW), key=lambda each: each.name)
