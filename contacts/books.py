"""Which address books somebody may read, and what that person may do in each."""

from dataclasses import dataclass

from django.db.models import F, FilteredRelation, Q, QuerySet

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
    """Return the group's book; it is made with the group."""
    return Book.objects.get_or_create(group=group)[0]


def books_of(user: User) -> list[Access]:
    """Return what the user may open: the own book first, then those of the groups by name. One statement."""
    in_it = FilteredRelation("group__membership", condition=Q(group__membership__user=user))
    open_to = Book.objects.annotate(place=in_it).filter(Q(user=user) | Q(place__isnull=False))
    found = open_to.select_related("group").annotate(role=F("place__role")).order_by("group__name", "pk")
    groups = [Access(book, str(getattr(book, "role", ""))) for book in found if book.group_id]
    own = next((book for book in found if book.user_id), None) or book_of(user)
    return [Access(own, Membership.Role.OWNER), *groups]


def groups_of(user: User) -> QuerySet[Group]:
    """Return the groups that the user is in, for use in another query."""
    return Group.objects.filter(pk__in=Membership.objects.filter(user=user).values("group"))


def readable(user: User) -> QuerySet[Book]:
    """Return the books that the user may read, for use in another query."""
    mine = Q(user=user) | Q(group__membership__user=user)
    return Book.objects.filter(mine)


def writable(user: User) -> QuerySet[Book]:
    """Return the books that the user may change, for use in another query."""
    mine = Q(user=user) | Q(group__membership__user=user, group__membership__role__in=_WRITERS)
    return Book.objects.filter(mine)
