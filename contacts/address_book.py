"""Looks contacts up, and turns chosen lists and groups into numbers, each contact's first one that can get SMS.

Set-based: 50,000 contacts make no page slow, and a list of 10,000 is five statements. Everything asks for the books
that the reader may open, so that what belongs to others is as if it were not there.
"""

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import BooleanField, Case, Count, Exists, OuterRef, Q, QuerySet, Subquery, Value, When

from contacts.books import readable
from contacts.folding import wanted
from contacts.models import Book, Contact, ContactList, ContactNumber, User

PAGE = 50
LEFT_OUT_SHOWN = 10
REFERENCE = re.compile(r"(list|group):([0-9]{1,18})|contacts:mine")
MINE = "contacts:mine"
SORTS: Mapping[str, tuple[str, ...]] = {
    "name": ("sort_name", "pk"),
    "company": ("no_company", "sort_company", "sort_name", "pk"),
    "newest": ("-pk",),
}


@dataclass(frozen=True, slots=True)
class Page:
    """A page of contacts; `after` and `before` are the cursors of its neighbours, empty where there are none."""

    contacts: Sequence[Contact]
    after: str
    before: str


@dataclass(slots=True)
class Chosen:
    """A list or a whole book that was ticked: `recipients` are (number, name), in the order of the book.

    `people` counts all of its contacts; those beyond the recipients have no number that can get SMS.
    """

    reference: str
    label: str
    people: int
    recipients: list[tuple[str, str]] = field(default_factory=list)

    @property
    def left_out(self) -> int:
        """How many of its contacts cannot get SMS."""
        return max(0, self.people - len(self.recipients))


def live() -> QuerySet[Contact]:
    """Return all contacts that were not deleted."""
    return Contact.objects.filter(deleted_at=None)


def contacts_of(user: User) -> QuerySet[Contact]:
    """Return the contacts that the user may read."""
    return live().filter(book__in=readable(user))


def lists_of(user: User) -> QuerySet[ContactList]:
    """Return the lists that the user may read, with `many`: how many contacts each holds for this user."""
    readable_books = readable(user)
    held = Q(members__deleted_at=None, members__book__in=readable_books)
    lists = ContactList.objects.filter(deleted_at=None, book__in=readable_books)
    return lists.annotate(many=Count("members", filter=held)).select_related("book__group")


def matching(contacts: QuerySet[Contact], query: str) -> QuerySet[Contact]:
    """Return those of `contacts` that a search finds, by name, company, address or any part of a number."""
    for spellings in wanted(query):
        contacts = contacts.filter(reduce(or_, (Q(search__contains=spelling) for spelling in spellings)))
    return contacts


def page(contacts: QuerySet[Contact], *, sort: str = "name", cursor: str = "", size: int = PAGE) -> Page:
    """Return the page of `contacts` that `cursor` names, else the first: one statement, however far it is."""
    names = SORTS.get(sort, SORTS["name"])
    back, values = _read_cursor(cursor, names)
    ordering = [_turned(name) for name in names] if back else list(names)
    found = contacts.annotate(no_company=_NO_COMPANY) if "no_company" in names else contacts
    rows = list(found.filter(_behind(ordering, values)).order_by(*ordering)[: size + 1])
    further, shown = len(rows) > size, rows[:size]
    if back:
        shown.reverse()
    after = _cursor(shown[-1], names, back=False) if shown and (further or back) else ""
    before = _cursor(shown[0], names, back=True) if shown and (further if back else values) else ""
    return Page(shown, after, before)


def with_first_number(contacts: QuerySet[Contact]) -> QuerySet[Contact]:
    """Bring along `mobile`, the number that an SMS would go to, and `otherwise`, the first of any kind as typed."""
    numbers = ContactNumber.objects.filter(contact=OuterRef("pk")).order_by("position", "pk")
    return contacts.annotate(
        mobile=Subquery(numbers.filter(reason="").values("number")[:1]),
        otherwise=Subquery(numbers.values("typed")[:1]),
    )


def is_reference(typed: str) -> bool:
    """Return whether `typed` names a list, a group or the own contacts: list:12, group:3, contacts:mine."""
    return REFERENCE.fullmatch(typed) is not None


def chosen(user: User, references: Iterable[str]) -> list[Chosen]:
    """Return what each reference means to this user, in the given order, once; what the user may not read is left out.

    At most four statements, whatever is chosen.
    """
    asked = [reference for reference in dict.fromkeys(references) if is_reference(reference)]
    found = {each.reference: each for each in [*_lists(user, asked), *_whole_books(user, asked)]}
    return [found[reference] for reference in asked if reference in found]


def left_out(user: User, references: Iterable[str]) -> list[Contact]:
    """Return the first contacts of these lists and groups that no SMS can go to, each once.

    Each bears `typed` and `reason` of its first number, None where it has none at all.
    """
    asked = [reference for reference in references if is_reference(reference)]
    lists = lists_of(user).filter(pk__in=_ids(asked, "list")).values("pk")
    in_lists = Q(places__list__in=lists)
    numbers = ContactNumber.objects.filter(contact=OuterRef("pk")).order_by("position", "pk")
    silent = contacts_of(user).filter(in_lists | _of_books(user, asked)).exclude(Exists(numbers.filter(reason="")))
    told = silent.annotate(
        typed=Subquery(numbers.values("typed")[:1]), reason=Subquery(numbers.values("reason")[:1])
    ).order_by("sort_name", "pk")
    return list(told.distinct()[:LEFT_OUT_SHOWN])


def _lists(user: User, asked: Sequence[str]) -> Iterator[Chosen]:
    ids = _ids(asked, "list")
    if not ids:
        return
    found = {each.pk: _chosen_list(each) for each in lists_of(user).filter(pk__in=ids)}
    numbers = _tickable(user).filter(contact__places__list__in=list(found))
    for list_id, number, name in _first_ones(numbers, key="contact__places__list"):
        found[list_id].recipients.append((number, name))
    yield from found.values()


def _chosen_list(members: ContactList) -> Chosen:
    return Chosen(f"list:{members.pk}", members.name, getattr(members, "many", 0))


def _whole_books(user: User, asked: Sequence[str]) -> Iterator[Chosen]:
    if MINE not in asked and not _ids(asked, "group"):
        return
    many = Count("contacts", filter=Q(contacts__deleted_at=None))
    books = readable(user).filter(_named(user, asked)).annotate(many=many).select_related("group", "user")
    found = {book.pk: Chosen(_reference(book), str(book), book.many) for book in books}
    for book_id, number, name in _first_ones(
        _tickable(user).filter(contact__book__in=list(found)), key="contact__book"
    ):
        found[book_id].recipients.append((number, name))
    yield from found.values()


def _named(user: User, asked: Sequence[str], *, path: str = "") -> Q:
    """Match the books that are asked for, seen from `path`."""
    groups = Q(**{f"{path}group__in": _ids(asked, "group")})
    return groups | Q(**{f"{path}user": user}) if MINE in asked else groups


def _of_books(user: User, asked: Sequence[str]) -> Q:
    return _named(user, asked, path="book__")


def _reference(book: Book) -> str:
    return f"group:{book.group_id}" if book.group_id else MINE


def _ids(asked: Iterable[str], kind: str) -> list[int]:
    return [int(each.removeprefix(f"{kind}:")) for each in asked if each.startswith(f"{kind}:")]


def _tickable(user: User) -> QuerySet[ContactNumber]:
    readable_contacts = Q(contact__deleted_at=None, contact__book__in=readable(user))
    return ContactNumber.objects.filter(readable_contacts, reason="")


def _first_ones(numbers: QuerySet[ContactNumber], *, key: str) -> Iterator[tuple[int, str, str]]:
    """Yield (key, number, name) of the first number of each contact, by name within each key."""
    ordered = numbers.order_by("contact__sort_name", "contact_id", "position", "pk")
    seen: set[tuple[int, int]] = set()
    for found, contact, number, name in ordered.values_list(key, "contact_id", "number", "contact__name"):
        if (found, contact) not in seen:
            seen.add((found, contact))
            yield found, number, name


_NO_COMPANY = Case(When(sort_company="", then=Value(True)), default=Value(False), output_field=BooleanField())


def _behind(ordering: Sequence[str], values: Sequence[Any]) -> Q:
    """Match what comes behind the row with these values."""
    found = Q()
    for place in range(len(values)):
        name = ordering[place]
        side = "lt" if name.startswith("-") else "gt"
        same = {each.removeprefix("-"): value for each, value in zip(ordering[:place], values[:place], strict=True)}
        found |= Q(**same, **{f"{name.removeprefix('-')}__{side}": values[place]})
    return found


def _cursor(contact: Contact, names: Sequence[str], *, back: bool) -> str:
    values = [getattr(contact, name.removeprefix("-")) for name in names]
    return urlsafe_b64encode(json.dumps([back, *values]).encode()).decode()


def _read_cursor(cursor: str, names: Sequence[str]) -> tuple[bool, list[Any]]:
    """Return the direction and the values; what cannot be read is the first page."""
    try:
        back, *values = json.loads(urlsafe_b64decode(cursor.encode()))
    except (ValueError, TypeError, RecursionError):
        return False, []
    fits = len(values) == len(names) and all(map(_is_value, names, values))
    return (back is True, values) if fits else (False, [])


def _is_value(name: str, value: object) -> bool:
    """Return whether the database may be asked for what comes behind this value."""
    if name.removeprefix("-") == "pk":
        return type(value) is int and 0 <= value < 2**63
    return isinstance(value, bool) if name == "no_company" else isinstance(value, str) and "\0" not in value


def _turned(name: str) -> str:
    return name[1:] if name.startswith("-") else f"-{name}"
