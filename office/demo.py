"""The demo office: four people to try everything with. Made by `DEMO=1 manage.py run` only, never anywhere else."""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import transaction

from contacts import group_members
from contacts.models import Group, Membership, User
from office import demo_contacts, people

PASSWORD = "demo-office"  # noqa: S105 - everybody may know it: the demo serves this machine only
TEAM = "Team"


class NotTheDemo(Exception):
    """DEMO is not 1: its users, whose password everybody knows, have no place here."""


@dataclass(frozen=True, slots=True)
class Somebody:
    """A person of the demo: the name of the sign-in, whom it stands for, and what is said of it."""

    name: str
    first_name: str
    last_name: str
    language: str
    mobile: str
    role: str


PEOPLE = (
    Somebody("anna", "Anna", "Peeters", "nl", "+32 475 12 34 56", "writes in Dutch"),
    Somebody("ben", "Ben", "Dubois", "fr", "+32 476 23 45 67", "her colleague in the group Team, in French"),
    Somebody("carla", "Carla", "Smith", "en", "+32 477 34 56 78", "somebody else, in English"),
    Somebody("support", "Sam", "Support", "en", "+32 478 45 67 89", "the staff, with the admin pages"),
)


def load(*, now: datetime) -> list[User]:
    """Make the demo's users and their group, once: where one of them is there, nothing is made or changed.

    Returns whom it made. Raises NotTheDemo where DEMO is not 1.
    """
    if not settings.DEMO:
        raise NotTheDemo
    with transaction.atomic():
        if User.objects.filter(username__in=[one.name for one in PEOPLE]).exists():
            return []
        made = [_make(one, now=now) for one in PEOPLE]
        team = _make_team(made[0], made[1])
        demo_contacts.fill(owner=made[0], colleague=made[1], team=team, now=now)
        return made


def sign_ins() -> str:
    """Return who can sign in, as lines for whoever started the demo."""
    lines = [f"Sign in as one of these, all with the password {PASSWORD}:"]
    return "\n".join([*lines, *(f"  {one.name:8} {one.role}" for one in PEOPLE), ""])


def _make(one: Somebody, *, now: datetime) -> User:
    details = people.Details(
        name=one.name,
        mobile=one.mobile,
        country="BE",
        language=one.language,
        email=f"{one.name}@{settings.OFFICE_DOMAIN}",
        parts="30",
        balance="5.00",
        staff=one.name == "support",
    )
    user, _made = people.make_or_change(details, now=now)
    user.first_name, user.last_name = one.first_name, one.last_name
    user.set_password(PASSWORD)
    user.save()
    return user


def _make_team(owner: User, colleague: User) -> Group:
    team = group_members.make(TEAM, owner=owner)
    Membership.objects.create(group=team, user=colleague, role=Membership.Role.WRITER)
    return team
