"""What the history finds, and what each pocket paid: on both databases."""

import uuid
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from contacts.models import User
from sms import dispatch, submission
from sms.gateways import configured
from sms.history import Filter, Pockets, addressee, lines, messages_of, page, pockets, share_of_allowance
from sms.models import Message
from sms.submission import Recipient, Request
from tests.people import NOW, numbers, person


@pytest.fixture
def memory(settings):
    settings.SMS_GATEWAYS = {"memory": {"BACKEND": "sms.gateways.memory.Memory", "OPTIONS": {}}}
    return configured.gateway("memory")


def send(user: User, *to: Recipient, text: str = "See you at 9", now: datetime = NOW, **more) -> Message:
    recipients = to or (Recipient("+32475123456"),)
    request = Request(
        user=user, text=text, to=recipients, occasion="form", request_key=str(uuid.uuid4()), **more
    )  # fmt: skip
    return submission.submit(request, now=now).message


def found(user: User, **wanted) -> list[Message]:
    return list(messages_of(user, Filter(**wanted)))


@pytest.mark.row("S14")
def test_each_pocket_is_told_what_it_paid_by_position(database, memory) -> None:
    user = person(parts=5, balance=50_000)
    memory.play(["accept", "refuse", "accept", "time_out_after"])
    send(user, *map(Recipient, numbers(4)), text="a" * 200)
    dispatch.drain("memory", clock=lambda: NOW)
    assert pockets(user, since=None, until=None) == Pockets(3, 0, 1, 2, 950, 1_900)


@pytest.mark.row("S14", "S15")
def test_the_pockets_of_a_month_are_those_of_what_was_accepted_in_it(database, memory) -> None:
    user = person(parts=5, balance=0)
    send(user)
    assert pockets(user, since=NOW, until=NOW + timedelta(days=1)) == Pockets(0, 1, 0, 0)
    assert pockets(user, since=NOW + timedelta(seconds=1), until=None) == Pockets(0, 0, 0, 0)
    assert pockets(user, since=None, until=NOW) == Pockets(0, 0, 0, 0)
    assert pockets(person("carla"), since=None, until=None) == Pockets(0, 0, 0, 0)


@pytest.mark.parametrize(("position", "share"), [(0, 2), (1, 2), (2, 1), (3, 0)])
def test_the_border_delivery_is_split(position: int, share: int) -> None:
    assert share_of_allowance(position=position, parts_each=2, from_allowance=5) == share


@pytest.mark.row("S20")
@pytest.mark.parametrize(
    "q", ["+32475123456", "0475 12 34 56", "32 475", "0475/12", "+32 (0)475 12", "123456", "Peeters", "pEEt", "at 9"]
)
def test_it_is_found_by_name_number_or_words(database, memory, q: str) -> None:
    user = person()
    wanted = send(user, Recipient("+32476000000"), Recipient("+32475123456", "Jan Peeters"))
    send(user, Recipient("+32477999999"), text="Something else")
    assert found(user, q=q) == [wanted]


@pytest.mark.parametrize("q", ["%", "_", "'; --", "\\", "12", "+32 479", "\0", "x" * 100])
def test_what_is_not_there_is_not_found(database, memory, q: str) -> None:
    user = person()
    send(user)
    assert found(user, q=q) == ([] if q != "\0" else found(user))


def test_a_planned_one_is_found_by_its_number(database, memory) -> None:
    user = person()
    planned = send(user, release_at=NOW + timedelta(days=1))
    send(user, Recipient("+32477999999"))
    assert found(user, q="0475 12 34 56") == [planned]
    assert found(user, state="planned") == [planned]
    assert addressee(page(messages_of(user, Filter(state="planned"))).messages[0]).number == "+32475123456"


@pytest.mark.row("S20")
@pytest.mark.parametrize("q", ["Zoë", "zo", 'the "great"', "O'Hara \\ Sons", "0475 12"])
def test_a_planned_one_is_found_by_a_name(database, memory, q: str) -> None:
    user, carla = person(), person("carla")
    to = [Recipient("+32476111222"), Recipient("+32475123456", 'Zoë the "great", O\'Hara \\ Sons')]
    planned = send(user, *to, release_at=NOW + timedelta(days=1))
    send(carla, *to, release_at=NOW + timedelta(days=1))
    send(user, Recipient("+32477999999", "Jan"), text="Other", release_at=NOW + timedelta(days=1))
    assert found(user, q=q) == [planned]


@pytest.mark.parametrize("q", ["], [", '", "', "u00eb", "76", "null", "[["])
def test_the_signs_in_which_a_plan_is_kept_find_nothing(database, memory, q: str) -> None:
    user = person()
    send(user, Recipient("+32476111222", "Zoë"), Recipient("+32475123456"), release_at=NOW + timedelta(days=1))
    assert found(user, q=q) == []


def test_it_is_narrowed_by_state(database, memory) -> None:
    user = person()
    memory.play(["accept", "refuse"])
    sent, refused = send(user), send(user, now=NOW + timedelta(seconds=1))
    dispatch.drain("memory", clock=lambda: NOW + timedelta(seconds=2))
    waiting = send(user, now=NOW + timedelta(seconds=3))
    assert found(user, state="sent") == [sent]
    assert found(user, state="refused") == [refused]
    assert found(user, state="open") == [waiting]
    assert found(user, state="unknown") == []


def test_the_days_are_the_readers_own(database, memory) -> None:
    user = person(time_zone="Europe/Brussels")
    late = send(user, now=datetime(2026, 10, 31, 23, 30, tzinfo=UTC))
    assert found(user, since=date(2026, 11, 1), until=date(2026, 11, 1)) == [late]
    assert found(user, until=date(2026, 10, 31)) == []
    assert found(user, until=date.max) == [late]


def test_the_pages_follow_each_other_without_gap_or_repeat(database, memory) -> None:
    user = person(balance=1_000_000)
    sent = [send(user, now=NOW + timedelta(seconds=index // 2)) for index in range(7)]
    expected = sorted(sent, key=lambda message: (message.created_at, message.pk), reverse=True)
    seen, before = [], ""
    while True:
        bunch = page(messages_of(user, Filter()), before=before, size=3)
        seen += bunch.messages
        before = bunch.before
        if not before:
            break
    assert [message.pk for message in seen] == [message.pk for message in expected]


ZERO = "0" * 32


@pytest.mark.parametrize(
    "cursor",
    [
        "x", "_", "2026-11-23_x", "2026-11-23T10:00:00_0", "\0",
        f"0001-01-01T00:00:00+23:00_{ZERO}", f"9999-12-31T23:59:59-23:00_{ZERO}",
    ],
)  # fmt: skip
def test_a_cursor_that_cannot_be_read_begins_at_the_newest(database, memory, cursor: str) -> None:
    user = person()
    wanted = send(user)
    assert list(page(messages_of(user, Filter()), before=cursor).messages) == [wanted]


def test_a_page_takes_two_statements_and_knows_the_first_recipient(database, memory) -> None:
    user = person(balance=1_000_000)
    for index in range(5):
        send(user, *map(Recipient, numbers(3)), now=NOW + timedelta(seconds=index))
    with CaptureQueriesContext(connection) as queries:
        bunch = page(messages_of(user, Filter()))
        to = [addressee(message) for message in bunch.messages]
    assert len(queries) == 2
    assert {(each.number, each.others) for each in to} == {("+32470000000", 2)}
    assert {tuple(each.items()) for each in bunch.counts.values()} == {(("queued", 3),)}


def test_the_lines_name_each_number_of_what_was_accepted_and_of_what_is_planned(database, memory) -> None:
    user = person()
    send(user, *map(Recipient, numbers(2)))
    planned = [Recipient("+32475123456", "Jan"), Recipient("+32476111222")]
    send(user, *planned, now=NOW + timedelta(seconds=1), release_at=NOW + timedelta(days=1))
    found = lines(messages_of(user, Filter()))
    assert [(line["deliveries__number"], line["deliveries__name"]) for line in found] == [
        ("+32475123456", "Jan"), ("+32476111222", ""), (numbers(2)[0], ""), (numbers(2)[1], ""),
    ]  # fmt: skip


def test_another_s_sms_are_not_there(database, memory) -> None:
    send(person())
    assert found(person("carla")) == []
