"""Lists of contacts that are written to together. Callers have looked whether the user may write in the list's book."""

from collections.abc import Sequence
from datetime import datetime

from contacts.books import Access, readable
from contacts.models import Contact, ContactList, ListMember, User


def make(access: Access, name: str, *, now: datetime) -> ContactList:
    """Make an empty list in a book."""
    return ContactList.objects.create(book=access.book, name=name, created_at=now)


def put_in(members: ContactList, contact_ids: Sequence[int], *, by: User) -> int:
    """Put contacts in a list; return how many were not in it.

    A user's own list takes any contact that the user may read, a group's list only those of the group: each of its
    members sees the same.
    """
    books = readable(by) if members.book.user_id else [members.book]
    fitting = Contact.objects.filter(pk__in=contact_ids, deleted_at=None, book__in=books)
    before = ListMember.objects.filter(list=members).count()
    rows = [ListMember(list=members, contact=contact) for contact in fitting]
    ListMember.objects.bulk_create(rows, ignore_conflicts=True, batch_size=2_000)
    return ListMember.objects.filter(list=members).count() - before


def take_out(members: ContactList, contact_ids: Sequence[int]) -> int:
    """Take contacts out of a list; return how many were in it. They stay in their books."""
    many, _by_model = ListMember.objects.filter(list=members, contact__in=contact_ids).delete()
    return many


def delete(members: ContactList, *, by: User, now: datetime) -> None:
    """Put a list away; its contacts stay."""
    members.deleted_at, members.deleted_by = now, by
    members.save(update_fields=["deleted_at", "deleted_by"])


def restore(members: ContactList) -> None:
    """Bring a list back, with the contacts that it held."""
    members.deleted_at = members.deleted_by = None
    members.save(update_fields=["deleted_at", "deleted_by"])
