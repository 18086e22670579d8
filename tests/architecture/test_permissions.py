"""A1 of FAULTS: every address × every actor × every verb × every place of the id, against one table.

Another's object is 404, never 403, whoever asks. An address without a line in `permissions` fails the build. The
controls at the end take the filter by owner away: then the matrix must see it.
"""

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from contacts import cures, filing, group_members, notices
from contacts.books import book_of
from contacts.filing import Card
from contacts.models import ContactList, Group, ImportBatch, Invitation, Membership, Notice, StaffAct, User
from credit import charging
from credit.limit_models import BlockedNumber, Limit, RefusedRange
from credit.models import TopUp
from office import tokens
from office.models import Token
from sms.models import Delivery
from sms.submission import Recipient, Request, submit
from tests.architecture.permissions import ENTRIES, VERBS, Entry
from tests.architecture.routes import ROUTES, Route
from tests.people import person
from tests.program import Program

pytestmark = pytest.mark.django_db
ACTORS = ("anonymous", "owner", "colleague", "stranger", "staff", "superuser")
STAFF = {"staff", "superuser"}
OF_STAFF = {"desk", "model", "right", "kept", "sealed", "lookup", "hidden", "nothing", "staff-in", "leave"}
# where who is no staff does not end at the door
AWAY = {("leave", actor): "in" for actor in ACTORS} | {("staff-in", actor): "403" for actor in ACTORS[1:]}
PLACES = ("own", "another", "missing", "nonsense")
DOORS = ("/accounts/login/", "/admin/login/")
# what else may stand in an address: words that name nothing of anybody's
WORDS = {
    "alias": "memory", "code": "nobody-knows-this",
    "app_label": "contacts", "content_type_id": 1, "key": "set-password", "object_id": 1,
    "tool": "sms", "uidb36": "1",
}  # fmt: skip
# Django's own admin has addresses without a name: old ones that lead to the new, and one for all others
NAMED = [route for route in ROUTES if route.name not in {"admin:", "api:nowhere"}]
WITH_A_THING = [route for route in NAMED if ENTRIES.get(route.name, Entry("", "", frozenset(), "")).thing]
OF_A_THING = [route for route in WITH_A_THING if ENTRIES[route.name].thing != "list"]


def named(route: Route) -> str:
    return route.name


@dataclass
class Cast:
    """The actors, each with things of their own; every word of theirs that others may not read has their name in it."""

    users: dict[str, User]
    things: dict[str, dict[str, Any]]
    programs: dict[str, Program]

    def client(self, actor: str, door: str) -> Callable[[str, str], HttpResponse]:
        """Return what makes a call as this actor, through this kind of door."""
        if door == "program":
            program = self.programs.get(actor, Program())
            return lambda verb, path: program.call(verb.upper(), path.removeprefix("/api/v1/"))
        door_opened = Client()
        if actor in self.users:
            door_opened.force_login(self.users[actor])
        session = door_opened.cookies.output(header="", sep=";")
        return lambda verb, path: getattr(Client(raise_request_exception=False, headers={"Cookie": session}), verb)(
            path
        )

    def id_of(self, thing: str, actor: str, place: str) -> Any:
        """Return the id that stands at this place of the address."""
        own = actor if actor in self.users else "owner"
        found = self.things["stranger" if own == "owner" else "owner"] if place == "another" else self.things[own]
        if place == "missing":
            return uuid.uuid4() if isinstance(found[thing], uuid.UUID) else 10**9
        return "nonsense" if place == "nonsense" else found[thing]


def secret(name: str) -> str:
    return f"only-{name}-reads-this"


def things_of(user: User) -> dict[str, Any]:
    """One of each thing that an address may name."""
    now, word = timezone.now(), secret(user.username)
    wanted = Request(user=user, text=word, to=[Recipient("0475 12 34 56", word)], occasion="form", request_key="k1")
    message = submit(wanted, now=now).message
    notices.tell(notices.News(user_id=user.pk, key="k1", text=word), now=now)
    tokens.make(user, name=word, now=now)
    account = charging.account_of(user)
    charging.adjust(account, charging.Adjustment(parts=0, amount=1, why=word), now=now)
    top_up = TopUp.objects.create(
        account=account, amount=100_000, currency="EUR", livemode=False, vat_rate=2_100, state="paid", payment=word,
        created_at=now, expires_at=now, paid_at=now,
    )  # fmt: skip
    return things_in_contacts(user) | {
        "top_up": top_up.pk,
        "message": message.pk,
        "notice": Notice.objects.get(user=user).pk,
        "token": Token.objects.get(user=user).pk,
        "block": BlockedNumber.objects.create(user=user, number="+32470000009", created_at=now).pk,
    }


def things_in_contacts(user: User) -> dict[str, Any]:
    """A contact with a number to cure and one that was cured, a list, an import, a group, an invitation elsewhere."""
    now, word = timezone.now(), secret(user.username)
    numbers = [("0475 12 34 56", "mobile"), ("0476 12 34 56", "mobile")]
    contact = filing.file(book_of(user), Card(last_name=word, numbers=numbers), country="BE", now=now)
    cured, silent = contact.numbers.order_by("-position")
    asked_into = Group.objects.create(name=f"Another's, {word}")
    made = ContactList.objects.create(book=contact.book, name=word, created_at=now)
    return {
        "contact": contact.pk,
        "number": silent.pk,
        "repair": cures.cure(cured, to="+32476123456", by=user, now=now).pk,
        "contact_list": made.pk,
        "import": ImportBatch.objects.create(book=contact.book, by=user, source=word, created_at=now).pk,
        "group": group_members.make(word, owner=user).pk,
        "invitation": Invitation.objects.create(group=asked_into, user=user, by=user, created_at=now).pk,
    }


@pytest.fixture(scope="module")
def cast(django_db_setup: None, django_db_blocker: Any) -> Iterator[Cast]:
    """Made once: what a call does is undone after each call, and what a test does after each test."""
    with django_db_blocker.unblock(), undone():
        yield made()


def made() -> Cast:
    users = {actor: person(actor, now=timezone.now()) for actor in ACTORS if actor != "anonymous"}
    team = group_members.make("Team", owner=users["owner"])
    Membership.objects.create(group=team, user=users["colleague"], role="owner")
    users["staff"].is_staff = users["superuser"].is_staff = users["superuser"].is_superuser = True
    User.objects.bulk_update(users.values(), ["is_staff", "is_superuser"])
    StaffAct.objects.create(
        by=users["superuser"], at=timezone.now(), kind=StaffAct.Kind.values[0], model="contacts.user", key="1"
    )
    RefusedRange.objects.create(prefix="+882")
    Limit.objects.get_or_create(kind="user", window="day", defaults={"most": 1_000})
    things = {actor: things_of(user) for actor, user in users.items()}
    return Cast(users, things, {actor: Program.of(user) for actor, user in users.items()})


@dataclass(frozen=True)
class Violation:
    """Something that did not end as the table says."""

    actor: str
    verb: str
    place: str
    expected: str
    found: str


def violations(route: Route, cast: Cast, *, places: tuple[str, ...] = PLACES) -> Iterator[Violation]:
    """Try an address as everybody, with every verb and each of `places` of the id."""
    entry = ENTRIES[route.name]
    for actor in ACTORS:
        call = cast.client(actor, entry.door)
        for place in places if entry.thing not in {"", "list"} else ("own",):
            path = path_of(route, entry, cast, actor, place)
            for verb in VERBS:
                with undone():
                    answer = call(verb, path)
                    leaked = leaks(answer, actor, entry)
                expected, found = outcome(entry, actor, verb, place), found_in(answer)
                if found != expected:
                    yield Violation(actor, verb, place, expected, found)
                if leaked:
                    yield Violation(actor, verb, place, "own things only", "another's words")


@contextmanager
def undone() -> Iterator[None]:
    """Take back what a call did: the next one finds everything as it was."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def path_of(route: Route, entry: Entry, cast: Cast, actor: str, place: str) -> str:
    step = "suspend" if route.name == "admin:contacts_user_step" else "hold"
    parameters = WORDS | row_of(route) | {"step": step}
    if entry.thing not in {"", "list"}:
        name, own = route.parameters[0], cast.id_of(entry.thing, actor, "own")
        wanted = cast.id_of(entry.thing, actor, place)
        if place == "nonsense":
            beside = {"delivery_id": delivery_of(own), "username": actor}
            return route.path({name: own} | beside).replace(str(own), wanted)
        parameters |= {name: wanted, "delivery_id": delivery_of(wanted), "username": actor}
    if entry.door == "demo":
        parameters["message_id"] = 1
    return route.path(parameters)


def delivery_of(message: Any) -> int:
    """Return the delivery that an address may name beside its message; one that is not there beside none."""
    found = Delivery.objects.filter(message=message).first() if isinstance(message, uuid.UUID) else None
    return found.pk if found else 10**9


def row_of(route: Route) -> dict[str, Any]:
    """What names a row in an address of the administration: one that there is."""
    parameter = next((name for name in route.parameters if name in {"object_id", "id", "user_id"}), None)
    if parameter is None or route.name == "admin:view_on_site":
        return {}
    app, name = route.name.removeprefix("admin:").split("_")[:2]
    model = get_user_model() if (app, name) == ("auth", "user") else apps.get_model(app, name)
    row = model._base_manager.first()
    assert row, f"{model.__name__}: make one in the fixture `cast`, for its pages in the administration"
    return {parameter: row.pk}


def outcome(entry: Entry, actor: str, verb: str, place: str) -> str:
    """Return how the table says that it ends."""
    if entry.door in OF_STAFF:
        return outcome_for_staff(entry, actor, verb) if actor in STAFF else AWAY.get((entry.door, actor), "the door")
    if entry.door == "demo" or place == "nonsense":
        return "404"
    if entry.door in {"person", "program"} and actor == "anonymous":
        return "the door"
    led_on = entry.door == "entrance" and actor != "anonymous"
    if verb not in entry.verbs and not led_on:
        return "405"
    return "in" if place == "own" and entry.door != "gateway" else "404"


def outcome_for_staff(entry: Entry, actor: str, verb: str) -> str:
    if entry.door == "nothing" or (entry.door == "hidden" and actor == "staff"):
        return "404"
    if entry.door == "right" and actor == "staff":
        return "403"
    if verb not in entry.verbs:
        return "405"
    if entry.door == "kept":
        return "403" if actor == "staff" or verb == "post" else "in"
    if verb == "options" and entry.door == "lookup":
        return "in"
    return "403" if entry.door in {"sealed", "lookup"} or (entry.door == "model" and actor == "staff") else "in"


def found_in(answer: HttpResponse) -> str:
    """Return how it ended. 400, 409, 422 and the like are said to who is in."""
    if answer.status_code == 401 or (answer.status_code == 302 and answer["Location"].startswith(DOORS)):
        return "the door"
    if answer.status_code in {403, 404, 405, 500}:
        return str(answer.status_code)
    return "in"


def leaks(answer: HttpResponse, actor: str, entry: Entry) -> bool:
    """Return whether the answer has words of another. Staff see everybody at their own desk."""
    if entry.door in OF_STAFF:
        return False
    said = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return any(secret(other).encode() in said for other in ACTORS if other != actor)


def test_every_address_has_a_line_and_every_line_an_address() -> None:
    assert {route.name for route in NAMED} == set(ENTRIES)


@pytest.mark.parametrize("route", NAMED, ids=named)
def test_everybody_gets_as_far_as_the_table_says(route: Route, cast: Cast) -> None:
    assert list(violations(route, cast)) == []


@pytest.mark.parametrize("verb", VERBS)
def test_an_address_of_the_api_that_is_none_is_404(verb: str, cast: Cast) -> None:
    for program in (Program(), cast.programs["owner"]):
        assert program.call(verb.upper(), "nowhere/").status_code == 404


@pytest.fixture
def owner_forgotten(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> Cast:
    """The office as it would be if every query forgot whose things it looks for."""
    narrow = QuerySet._filter_or_exclude_inplace

    def forgetful(self: Any, negate: bool, args: Any, kwargs: dict[str, Any]) -> None:
        narrow(self, negate, args, {name: value for name, value in kwargs.items() if not is_owner(name)})

    monkeypatch.setattr(QuerySet, "_filter_or_exclude_inplace", forgetful)
    return cast


def is_owner(name: str) -> bool:
    return not {"user", "book", "by"}.isdisjoint(name.removesuffix("_id").split("__"))


@pytest.mark.parametrize("route", OF_A_THING, ids=named)
def test_with_the_owner_forgotten_the_matrix_sees_who_gets_in(route: Route, owner_forgotten: Cast) -> None:
    seen = list(violations(route, owner_forgotten, places=("another",)))
    assert {each.actor for each in seen if each.found == "in"} == set(ACTORS[1:])


@pytest.mark.parametrize("route", [each for each in WITH_A_THING if each not in OF_A_THING], ids=named)
def test_with_the_owner_forgotten_the_matrix_sees_what_is_read(route: Route, owner_forgotten: Cast) -> None:
    seen = list(violations(route, owner_forgotten))
    # one of them: what belongs to a page's first account is its owner's own
    assert {each.actor for each in seen if each.found == "another's words"} & {"owner", "stranger"}
