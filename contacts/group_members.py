"""Groups, made and run by their owners: who is asked in, who may do what, and who leaves. One owner always stays."""

from datetime import datetime

from django.db import transaction
from django.db.models import Q
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from contacts.books import book_of_group
from contacts.models import Contact, Group, Invitation, Membership, User
from contacts.notices import News, tell


class LastOwner(Exception):
    """Without this owner nobody could run the group."""


class Unknown(Exception):
    """Nobody in the office has this name or address."""


class AlreadyIn(Exception):
    """That person is in the group, or is asked already."""


class NotEmpty(Exception):
    """A group goes only when its book is empty; `many` contacts are in it."""

    def __init__(self, many: int) -> None:
        super().__init__(f"{many} contacts")
        self.many = many


def make(name: str, *, owner: User) -> Group:
    """Make a group with its book and its first owner."""
    with transaction.atomic():
        group = Group.objects.create(name=name)
        book_of_group(group)
        Membership.objects.create(group=group, user=owner, role=Membership.Role.OWNER)
    return group


def invite(group: Group, typed: str, *, role: str, by: User, now: datetime) -> Invitation:
    """Ask somebody in by user name or e-mail address. Raises Unknown, AlreadyIn."""
    typed = typed.strip()
    named = Q(username__iexact=typed) | Q(email__iexact=typed)
    people = list(User.objects.filter(named, is_active=True)[:2]) if typed else []
    if len(people) != 1:
        raise Unknown
    [user] = people
    if Membership.objects.filter(group=group, user=user).exists():
        raise AlreadyIn
    invitation, made = Invitation.objects.get_or_create(
        group=group, user=user, defaults={"role": role, "by": by, "created_at": now}
    )
    if not made:
        raise AlreadyIn
    _tell(invitation, now=now)
    return invitation


def accept(invitation: Invitation) -> Membership:
    """Go into the group."""
    with transaction.atomic():
        place, _made = Membership.objects.get_or_create(
            group=invitation.group, user=invitation.user, defaults={"role": invitation.role}
        )
        invitation.delete()
    return place


def decline(invitation: Invitation) -> None:
    """Stay out; also what takes an invitation back."""
    invitation.delete()


def change_role(place: Membership, role: str) -> None:
    """Let a member do more or less. Raises LastOwner where nobody else owns the group."""
    with transaction.atomic():
        if role != Membership.Role.OWNER:
            _keep_an_owner(place)
        Membership.objects.filter(pk=place.pk).update(role=role)


def leave(place: Membership) -> None:
    """End a membership, by oneself or by an owner. Raises LastOwner where nobody else owns the group."""
    with transaction.atomic():
        _keep_an_owner(place)
        place.delete()


def rename(group: Group, name: str) -> None:
    """Give the group another name."""
    group.name = name
    group.save(update_fields=["name"])


def end(group: Group) -> None:
    """Delete a group for good. Raises NotEmpty while there are contacts in its book."""
    with transaction.atomic():
        Group.objects.select_for_update().get(pk=group.pk)
        many = Contact.objects.filter(book__group=group, deleted_at=None).count()
        if many:
            raise NotEmpty(many)
        group.delete()


def _keep_an_owner(place: Membership) -> None:
    # The group's row is locked first: two owners who leave at once would each see the other.
    Group.objects.select_for_update().get(pk=place.group_id)
    others = Membership.objects.filter(group=place.group_id, role=Membership.Role.OWNER).exclude(pk=place.pk)
    if Membership.objects.get(pk=place.pk).role == Membership.Role.OWNER and not others.exists():
        raise LastOwner


def _tell(invitation: Invitation, *, now: datetime) -> None:
    with translation.override(invitation.user.language):
        text = _("%(who)s invites you to the group %(group)s.") % {"who": invitation.by, "group": invitation.group}
    key = f"invitation:{invitation.pk}"
    tell(News(user_id=invitation.user_id, key=key, text=text, link=reverse("contacts:groups")), now=now)
