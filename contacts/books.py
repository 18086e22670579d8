"""Which address books somebody may read, and what that person may do in each."""

from dataclasses import dataclass

from django.db.models import Q, QuerySet

from contacts.models import Book, Group, Membership, User

_WRITERS = (Membership.Role.WRITER, Membership.Role.OWNER)


@dataclass(frozen=True, slots=True)
class Access:
    """An open book, and the role of the reader in it; of one's own one is the owner."""

    book: Book
    role: str

    @property
    def can_write(self) -> bool:
        """Whether contacts and lists may be added, changed and deleted."""
        return self.role in _WRITERS

    @property
    def owns(self) -> bool:
        """Whether the group itself may be changed, if it is a group's book."""
        return self.role == Membership.Role.OWNER

    @property
    def group(self) -> Group | None:
        """The group whose book it is; None for one's own."""
        return self.book.group


def book_of(user: User) -> Book:
    """Return the user's own book; it is there from the first time that somebody looks."""
    return Book.objects.get_or_create(user=user)[0]


def book_of_group(group: Group) -> Book:
    """Return the group's book; it is there from the first time that somebody looks."""
    return Book.objects.get_or_create(group=group)[0]


def books_of(user: User) -> list[Access]:
    """Return what the user may open: the own book first, then those of the groups by name. Two statements."""
    own = Access(book_of(user), Membership.Role.OWNER)
    memberships = Membership.objects.filter(user=user).select_related("group__book").order_by("group__name", "group_id")
    return [own, *(Access(_opened(each.group), each.role) for each in memberships)]


def readable(user: User) -> QuerySet[Book]:
    """Return the books that the user may read, for use in another query."""
    mine = Q(user=user) | Q(group__membership__user=user)
    return Book.objects.filter(mine)


def writable(user: User) -> QuerySet[Book]:
    """Return the books that the user may change, for use in another query."""
    mine = Q(user=user) | Q(group__membership__user=user, group__membership__role__in=_WRITERS)
    return Book.objects.filter(mine)


def _opened(group: Group) -> Book:
    found: Book | None = getattr(group, "book", None)
    book = found or book_of_group(group)
    book.group = group
    return book
