"""One hand-over: claim, call, write down; on both databases, judged by the gateway's own journal."""

import json
import os
import time
from collections import Counter
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.db import connection

from contacts.models import Notice, User
from credit import books as credit_books
from credit.allowance import standing
from sms import books, dispatch, holding, outcomes, queue_sql, slots, submission, sweeper
from sms.gateways import configured
from sms.gateways.contract import CALL_SECONDS, Refused
from sms.gateways.memory import Behaviour
from sms.models import Delivery, Message, Slot
from sms.submission import Recipient, Request
from tests.people import NOW, numbers, person

LATER = NOW + timedelta(hours=25)


@pytest.fixture
def gateway(settings):
    """Set the gateways and return a function that gives the adapter of an alias."""

    def set_up(**options):
        backend = "sms.gateways.memory.Memory"
        aliases = options or {"memory": {}}
        settings.SMS_GATEWAYS = {alias: {"BACKEND": backend, "OPTIONS": each} for alias, each in aliases.items()}
        return configured.gateway(next(iter(aliases)))

    return set_up


def send(user: User, count: int = 1, *, key: str = "k", start: int = 0, **more):
    to = [Recipient(number) for number in numbers(count, start=start)]
    wanted = Request(user=user, text="See you at 9", to=to, occasion="form", request_key=key, **more)
    return submission.submit(wanted, now=NOW).message


def drain(now=NOW, alias="memory") -> int:
    return dispatch.drain(alias, clock=lambda: now)


def states() -> dict[str, int]:
    return dict(Counter(Delivery.objects.values_list("state", flat=True)))


def assert_books_are_right(now=NOW):
    assert [*credit_books.check(), *books.check(now=now)] == []


@pytest.mark.row("S20")
def test_what_is_accepted_leaves_once_with_the_gateways_reference(database, gateway):
    memory = gateway()
    message = send(person(), 3)
    assert drain() == 3
    assert drain() == 0
    assert [arrival.number for arrival in memory.arrivals()] == numbers(3)
    sent = list(message.deliveries.values_list("state", "reference", "gateway", "attempt"))
    references = {arrival.reference: arrival.gateway_reference for arrival in memory.arrivals()}
    assert sent == [("sent", references[str(each.pk)], "memory", 1) for each in message.deliveries.all()]
    assert_books_are_right()


@pytest.mark.row("N13")
def test_nothing_leaves_within_the_ten_seconds(database, gateway):
    memory = gateway()
    send(person(), not_before=NOW + submission.FORM_DELAY)
    assert drain(NOW + timedelta(seconds=9)) == 0
    assert memory.arrivals() == []
    assert drain(NOW + timedelta(seconds=10)) == 1


def test_what_was_cancelled_after_the_claim_is_not_called(database, gateway):
    memory = gateway()
    message = send(person(), 2)
    rows = queue_sql.claim("memory", token=1, limit=10, now=NOW, lease_until=NOW + dispatch.LEASE)
    assert submission.cancel(message, now=NOW) == 2
    ids = [row.id for row in rows]
    assert queue_sql.mark_sending(ids, token=1, now=NOW, lease_until=NOW + dispatch.LEASE) == {}
    assert memory.arrivals() == []
    assert_books_are_right()


def test_what_is_cancelled_between_claim_and_call_is_not_called(database, gateway, monkeypatch):
    memory = gateway()
    message = send(person(), 2)
    within = outcomes.within_daily_cap

    def and_cancel(*args, **more):
        assert submission.cancel(message, now=NOW) == 2
        return within(*args, **more)

    monkeypatch.setattr(outcomes, "within_daily_cap", and_cancel)
    assert drain() == 0
    assert memory.arrivals() == []
    assert states() == {"cancelled": 2}


def test_an_unknown_one_is_not_claimed_along_with_others(database, gateway):
    memory = gateway(memory={"script": ["time_out_after"]})
    user = person()
    send(user)
    drain()
    send(user, key="other", start=5)
    assert drain(NOW + timedelta(hours=1)) == 1
    assert [arrival.number for arrival in memory.arrivals()] == numbers(1) + numbers(1, start=5)
    assert states() == {"unknown": 1, "sent": 1}


def test_a_claim_never_returns_more_than_asked_nor_what_another_has(database, gateway):
    gateway()
    send(person(parts=100), 25)
    lease = {"now": NOW, "lease_until": NOW + dispatch.LEASE}
    first = queue_sql.claim("memory", token=1, limit=10, **lease)
    second = queue_sql.claim("memory", token=2, limit=100, **lease)
    assert (len(first), len(second)) == (10, 15)
    assert not {row.id for row in first} & {row.id for row in second}
    assert queue_sql.mark_sending([first[0].id], token=2, now=NOW, lease_until=NOW + dispatch.LEASE) == {}
    over = queue_sql.claim("memory", token=3, limit=100, now=NOW + dispatch.LEASE, lease_until=NOW + 2 * dispatch.LEASE)
    assert len(over) == 25, "a lease that ended frees its rows"


def claim_all(user_id: int) -> list[int]:
    got = []
    while rows := queue_sql.claim("memory", token=os.getpid(), limit=7, now=NOW, lease_until=NOW + dispatch.LEASE):
        got += [row.id for row in rows]
    return got


def test_eight_processes_claim_each_delivery_once(database, gateway):
    gateway()
    user = person(parts=400)
    send(user, 300)
    claimed = [pk for each in database.processes(8, claim_all, user.pk) for pk in each]
    assert (len(claimed), len(set(claimed))) == (300, 300)


def test_a_second_drain_finds_the_slot_taken(database, gateway):
    gateway()
    send(person())
    assert slots.take("memory", owner=7, now=NOW)
    assert drain() == 0
    assert drain(NOW + slots.LEASE) == 1, "a lease that ended frees the slot"


def test_who_loses_the_slot_at_work_makes_no_more_calls(database, gateway):
    """Another took it, as after a pause longer than the lease: the gateway's window and rate are the other's now."""
    gateway(memory={"window": 1})
    send(person(), 3)
    turns = []

    def clock():
        turns.append(1)
        if len(turns) == 4:
            Slot.objects.update(owner=7)
        return NOW

    assert dispatch.drain("memory", clock=clock) < 3
    assert Slot.objects.get(alias="memory").owner == 7, "nor is it given back for the other"
    assert states()["queued"] > 0


@pytest.mark.parametrize(("seconds", "calls"), [(-1, 1), (1, 0)])
def test_a_call_begins_only_where_it_can_end_before_its_lease(database, gateway, monkeypatch, seconds, calls):
    """Beyond its lease the reaper may have called the row unknown, and another may have it."""
    memory, clock = gateway(), SimpleNamespace(now=0.0)
    prepare = type(memory).prepare

    def slowly(self, hand_over):
        clock.now += dispatch.LEASE.total_seconds() - CALL_SECONDS - 5 + seconds
        return prepare(self, hand_over)

    monkeypatch.setattr(dispatch, "time", SimpleNamespace(monotonic=lambda: clock.now))
    monkeypatch.setattr(type(memory), "prepare", slowly)
    message = send(person())
    drain()
    assert len(memory.arrivals()) == calls
    assert message.deliveries.get().state == ("sent" if calls else "queued")


def test_what_waits_in_the_drain_past_its_lease_is_called_once(database, gateway):
    """A slow gateway: the third row waits longer than its lease, and the drain claims it a second time."""
    memory = gateway(memory={"window": 2})
    send(person(), 3)
    minutes = iter(range(100))
    assert dispatch.drain("memory", clock=lambda: NOW + timedelta(seconds=61) * next(minutes)) == 3
    assert sorted(Counter(arrival.reference for arrival in memory.arrivals()).values()) == [1, 1, 1]


@pytest.mark.row("N16")
@pytest.mark.row("N4")
@pytest.mark.parametrize("behaviour", ["time_out_before", "time_out_after", "reset_after", "raise_in_send_after"])
def test_an_unknown_outcome_is_said_so_never_resent_and_refunded_after_a_day(database, gateway, behaviour):
    memory = gateway(memory={"script": [behaviour]})
    user = person(parts=5, balance=0)
    send(user)
    drain()
    assert states() == {"unknown": 1}
    for hours in (1, 12, 23):
        sweeper.sweep(now=NOW + timedelta(hours=hours))
        drain(NOW + timedelta(hours=hours))
    assert states() == {"unknown": 1}
    assert len(memory.arrivals()) <= 1
    assert standing(user, now=NOW).available == 4
    sweeper.sweep(now=LATER)
    sweeper.sweep(now=LATER)
    assert states() == {"unconfirmed": 1}
    assert standing(user, now=LATER).available == 5
    assert Notice.objects.count() == 1
    assert_books_are_right(LATER)


def test_a_gateway_that_de_duplicates_gets_the_same_reference_again(database, gateway):
    memory = gateway(memory={"script": ["time_out_after", "refuse_connection"], "dedupes_by_reference": True})
    message = send(person())
    for minutes in range(0, 60, 10):
        drain(NOW + timedelta(minutes=minutes))
    assert states() == {"sent": 1}
    assert len(memory.arrivals()) == 1
    assert message.deliveries.get().attempt == 3


def test_what_an_earlier_attempt_may_have_sent_goes_to_no_other_gateway(database, gateway):
    gateway(memory={"script": ["time_out_after", "refuse_connection"], "dedupes_by_reference": True}, other={})
    send(person())
    for minutes in range(3):
        drain(NOW + timedelta(minutes=minutes))
        drain(NOW + timedelta(minutes=minutes), alias="other")
    assert configured.gateway("other").arrivals() == []


def test_not_sent_is_tried_again_and_refused_after_five(database, gateway):
    gateway(memory={"script": ["raise_in_prepare"] * 9})
    user = person(parts=5, balance=0)
    message = send(user)
    for minutes in range(0, 300, 3):
        drain(NOW + timedelta(minutes=minutes))
    delivery = message.deliveries.get()
    assert (delivery.state, delivery.attempt, delivery.reason) == ("refused", 5, "not_reached")
    assert standing(user, now=NOW).available == 5
    assert_books_are_right(NOW + timedelta(hours=5))


@pytest.mark.row("N16")
@pytest.mark.parametrize("second", ["refuse", "refuse_elsewhere", "refuse_in_prepare"])
def test_a_no_to_a_second_attempt_does_not_undo_what_the_first_may_have_sent(database, gateway, second):
    memory = gateway(memory={"script": ["time_out_after", second], "dedupes_by_reference": True})
    user = person(parts=5, balance=0)
    send(user)
    drain()
    drain(NOW + timedelta(seconds=10))
    assert states() == {"unknown": 1}
    assert len(memory.arrivals()) == 1
    assert standing(user, now=NOW).available == 4
    drain(NOW + timedelta(hours=1))
    assert states() == {"sent": 1}


@pytest.mark.row("S10")
def test_what_waits_for_a_gateway_that_is_down_goes_to_the_next(database, gateway):
    memory = gateway(memory={"script": ["refuse_connection"] * 999}, other={})
    send(person(parts=200), 100)
    drain()
    sweeper.sweep(now=NOW)
    drain(alias="other")
    assert states() == {"sent": 100}
    assert memory.arrivals() == []


def test_what_waits_moves_by_its_own_route_only(database, gateway, settings):
    gateway(memory={"script": ["refuse_connection"] * 999}, other={}, third={})
    settings.SMS_ROUTES = [
        {"prefix": "+3247000000", "gateways": ["memory"]},
        {"prefix": "+32", "gateways": ["memory", "third"]},
    ]
    send(person(parts=200), 40)
    drain()
    sweeper.sweep(now=NOW)
    drain(alias="other")
    drain(alias="third")
    assert configured.gateway("other").arrivals() == []
    assert len(configured.gateway("third").arrivals()) == 30
    assert states() == {"sent": 30, "queued": 10}


def cancel_all(message_id: str) -> int:
    return submission.cancel(Message.objects.get(pk=message_id), now=NOW)


def test_a_cancel_beside_a_refusal_that_is_being_refunded_does_not_deadlock(database, gateway):
    """The drain refunds one message of an account while its owner cancels another: neither waits for the other."""
    if database.vendor == "sqlite":
        return
    first = numbers(1)[0]
    gateway(memory={"script": {first: ["refuse"]}, "window": 1})
    user = person(parts=100)
    send(user)
    message = send(user, 5, key="other", start=10)
    process = database.start(cancel_all, str(message.pk))
    process.wait_until_ready()
    original, gone = queue_sql.mark_sending, []

    def slowly(ids, **more):
        if not gone and Delivery.objects.filter(state="refused").exists():
            gone.append(1)
            process.go()
            time.sleep(0.5)
        return original(ids, **more)

    queue_sql.mark_sending = slowly
    try:
        drain()
    finally:
        queue_sql.mark_sending = original
    cancelled = process.result()
    assert states() == {"refused": 1, "cancelled": cancelled} | ({"sent": 5 - cancelled} if cancelled < 5 else {})
    assert_books_are_right()


def test_one_that_always_raises_blocks_nobody(database, gateway):
    first = numbers(1)[0]
    memory = gateway(memory={"script": {first: ["raise_in_prepare"] * 9}})
    send(person(), 20)
    drain()
    assert states() == {"sent": 19, "queued": 1}
    assert len(memory.arrivals()) == 19


def test_failover_only_where_it_was_surely_not_sent(database, gateway):
    a, b, c, d = numbers(4)
    script = {a: ["refuse_connection"], b: ["refuse_elsewhere"], c: ["time_out_after"], d: ["refuse"]}
    gateway(memory={"script": script}, other={})
    send(person(), 4)
    drain()
    drain(alias="other")
    assert [arrival.number for arrival in configured.gateway("other").arrivals()] == [a, b]
    assert states() == {"sent": 2, "unknown": 1, "refused": 1}
    assert_books_are_right()


@pytest.mark.row("N4")
def test_a_refusal_is_refunded_and_told_once(database, gateway):
    gateway(memory={"script": ["refuse"] * 3})
    user = person(parts=2, balance=50_000)
    send(user, 3)
    drain()
    has = standing(user, now=NOW)
    assert (has.available, has.balance) == (2, 50_000)
    assert Notice.objects.filter(user=user).count() == 1
    assert_books_are_right()


def test_a_gateway_that_cannot_be_reached_rests_and_is_tried_with_one(database, gateway):
    memory = gateway(memory={"script": ["refuse_connection"] * 30})
    send(person(parts=100), 40)
    drain()
    slot = Slot.objects.get(alias="memory")
    assert slot.resting_until > NOW
    assert slot.failures <= 20, "at most two windows were called before it rested"
    assert drain(NOW + timedelta(seconds=1)) == 0
    before = slot.failures
    drain(slot.resting_until)
    assert Slot.objects.get(alias="memory").failures == before + 1
    for minutes in range(1, 200):
        drain(NOW + timedelta(minutes=minutes))
    assert len(memory.arrivals()) == 40
    assert Slot.objects.get(alias="memory").failures == 0


def test_what_no_adapter_can_prepare_makes_no_gateway_rest(database, gateway):
    """It tells nothing of the gateway, which was not called: twenty such SMS must not keep the others waiting."""
    gateway(memory={"script": ["raise_in_prepare"] * 20})
    send(person(parts=100), 20)
    drain()
    slot = Slot.objects.get(alias="memory")
    assert (slot.failures, slot.resting_until) == (0, None)
    assert states() == {"queued": 20}


def test_a_refusal_before_the_call_does_not_end_what_the_gateway_failed_in(database, gateway):
    refused = Behaviour(arrives=False, prepare=Refused("too_long"))
    gateway(memory={"script": ["refuse_connection", "refuse_connection", refused]})
    send(person(parts=100), 3)
    drain()
    assert Slot.objects.get(alias="memory").failures == 2


def test_what_waits_too_long_expires_and_is_refunded(database, gateway):
    gateway()
    user = person(parts=5, balance=0)
    send(user, 2)
    assert drain(LATER) == 0
    sweeper.sweep(now=LATER)
    assert states() == {"expired": 2}
    assert standing(user, now=NOW).available == 5
    assert_books_are_right(LATER)


def test_hold_stops_and_release_resumes(database, gateway):
    gateway()
    send(person(), 2)
    assert holding.hold(why="too many complaints", now=NOW)
    assert drain() == 0
    assert states() == {"queued": 2}
    assert holding.release()
    assert drain() == 2


@pytest.mark.parametrize("alias", ["", "memory"])
def test_a_hold_stops_a_drain_at_work(database, gateway, alias):
    gateway(memory={"window": 1})
    send(person(), 3)
    turns = []

    def clock():
        turns.append(1)
        if len(turns) == 4:
            holding.hold(why="too many complaints", alias=alias, now=NOW)
        return NOW

    assert dispatch.drain("memory", clock=clock) < 3
    assert states()["queued"] > 0
    assert not Delivery.objects.filter(claim__isnull=False, state="queued").exists(), "given back"


def test_nothing_is_leased_while_all_is_held(database, gateway, monkeypatch):
    gateway()
    send(person())
    holding.hold(why="too many complaints", now=NOW)
    claim, claimed = queue_sql.claim, []
    monkeypatch.setattr(queue_sql, "claim", lambda *args, **more: claimed.extend(claim(*args, **more)) or claimed)
    drain()
    assert claimed == []


def test_a_hold_of_one_gateway_leaves_the_others(database, gateway, settings):
    gateway(memory={}, other={})
    settings.SMS_ROUTES = [{"prefix": "+32", "gateways": ["memory"]}]
    send(person())
    holding.hold(why="x", alias="other", now=NOW)
    assert drain() == 1


def test_who_was_suspended_meanwhile_does_not_send(database, gateway):
    memory = gateway()
    user = person(parts=5, balance=0)
    send(user, 2)
    User.objects.update(is_active=False)
    drain()
    assert memory.arrivals() == []
    assert states() == {"refused": 2}
    assert standing(user, now=NOW).available == 5
    assert_books_are_right()


def test_going_past_the_daily_cap_of_a_number_holds_the_gateway(database, gateway, settings):
    settings.SMS_DAILY_CAP = 3
    memory = gateway()
    user = person(parts=50)
    for index in range(5):
        send(user, key=f"k{index}")
    drain()
    assert memory.arrivals() == []
    assert states() == {"queued": 3, "refused": 2}
    assert holding.held("memory")
    holding.release(alias="memory")
    drain()
    assert len(memory.arrivals()) == 3
    assert_books_are_right()


def test_alerts_go_before_lists_and_a_list_leaves_room(database, gateway):
    memory = gateway(memory={"window": 1})
    user = person(parts=300)
    send(user, 100)
    send(user, 1, key="one", start=500)
    to = [Recipient(numbers(1, start=600)[0])]
    submission.submit(Request(user=user, text="x", to=to, occasion="reminder", request_key="r"), now=NOW)
    drain()
    order = [arrival.number for arrival in memory.arrivals()]
    assert order[:3] == [*numbers(1, start=600), *numbers(1, start=500), *numbers(1)]


def test_ten_thousand_are_handed_over_once_each(database, gateway):
    memory = gateway(memory={"window": 50})
    send(person(parts=0, balance=10_000 * 950), 10_000)
    assert drain() == 10_000
    assert len({arrival.number for arrival in memory.arrivals()}) == 10_000
    assert states() == {"sent": 10_000}
    assert_books_are_right()


def test_at_most_two_windows_are_ever_under_way(database, gateway):
    seen = []

    async def look(_seconds):
        seen.append(1)

    gateway(memory={"window": 3, "latency": 0.001, "wait": look})
    send(person(parts=100), 30)
    loop = {}
    original = queue_sql.mark_sending

    def counted(*args, **kwargs):
        result = original(*args, **kwargs)
        loop["most"] = max(loop.get("most", 0), Delivery.objects.filter(state="sending").count())
        return result

    queue_sql.mark_sending = counted
    try:
        drain()
    finally:
        queue_sql.mark_sending = original
    assert states() == {"sent": 30}
    assert loop["most"] <= 6
    assert len(seen) == 30


@pytest.mark.parametrize(("under_way", "room"), [(0, 3), (3, 3), (4, 2), (6, 0)])
def test_a_slow_gateway_gets_no_third_window(gateway, under_way, room):
    memory = gateway(memory={"window": 3})
    loop = dispatch._Drain("memory", memory, 1, lambda: NOW, lambda: False, True, None, _under_way=under_way)
    assert loop._room(0) == room


def test_a_late_yes_counts_and_any_other_late_word_does_not(database, gateway):
    gateway()
    message = send(person(), 2)
    first, second = message.deliveries.values_list("pk", flat=True)
    queue_sql.claim("memory", token=1, limit=10, now=NOW, lease_until=NOW + dispatch.LEASE)
    queue_sql.mark_sending([first, second], token=1, now=NOW, lease_until=NOW + dispatch.LEASE)
    after = NOW + dispatch.LEASE
    assert queue_sql.reap(now=after) == 2
    queue_sql.record_sent([(first, "ref-1")], alias="memory", now=after)
    queue_sql.record_not_sent([(second, 1, "late", after, "memory")], now=after)
    assert queue_sql.end_attempts([(second, 1, "late")], now=after) == []
    assert list(message.deliveries.values_list("state", flat=True)) == ["sent", "unknown"]


def test_the_reaper_leaves_what_is_still_under_lease(database, gateway):
    gateway()
    message = send(person())
    queue_sql.claim("memory", token=1, limit=10, now=NOW, lease_until=NOW + dispatch.LEASE)
    queue_sql.mark_sending([message.deliveries.get().pk], token=1, now=NOW, lease_until=NOW + dispatch.LEASE)
    assert queue_sql.reap(now=NOW + dispatch.LEASE - timedelta(seconds=1)) == 0


def test_what_waits_for_a_gateway_that_is_gone_is_moved(database, gateway):
    gateway(old={})
    send(person())
    memory = gateway()
    sweeper.sweep(now=NOW)
    drain()
    assert len(memory.arrivals()) == 1


def test_a_gateway_that_can_be_asked_settles_the_unknown(database, gateway):
    gateway(memory={"script": ["time_out_after", "time_out_before"], "can_query": True})
    message = send(person(), 2)
    drain()
    assert dispatch.ask_unknown("memory", clock=lambda: NOW + timedelta(minutes=10)) == 1
    assert sorted(message.deliveries.values_list("state", flat=True)) == ["sent", "unknown"]


def test_a_gateway_that_can_tell_of_none_settles_none(database, gateway):
    gateway(memory={"script": ["time_out_before"], "can_query": True})
    message = send(person(), 1)
    drain()
    assert dispatch.ask_unknown("memory", clock=lambda: NOW + timedelta(minutes=10)) == 0
    assert list(message.deliveries.values_list("state", flat=True)) == ["unknown"]


def drain_slowly(journal: str) -> int:
    """In a process of its own: hand over with a gateway that answers slowly and writes down what arrived."""
    from django.conf import settings

    options = {"journal": journal, "latency": 0.05, "window": 5}
    settings.SMS_GATEWAYS = {"memory": {"BACKEND": "sms.gateways.memory.Memory", "OPTIONS": options}}
    return dispatch.drain("memory", clock=lambda: NOW)


@pytest.mark.row("N16")
def test_a_worker_killed_between_the_yes_and_our_record(database, gateway, tmp_path):
    journal = tmp_path / "journal.jsonl"
    user = person(parts=100, balance=0)
    send(user, 60)
    process = database.start(drain_slowly, str(journal))
    process.wait_until_ready()
    process.go()
    while not journal.exists() or len(journal.read_text().splitlines()) < 12:
        time.sleep(0.01)
    process.kill()
    connection.close()
    in_flight = Delivery.objects.filter(state="sending").count()
    assert 0 < in_flight <= 10

    after = NOW + dispatch.LEASE + timedelta(seconds=1)
    gateway(memory={"journal": str(journal)})
    sweeper.sweep(now=after)
    assert Delivery.objects.filter(state="unknown").count() == in_flight
    drain(after)
    drain(after + timedelta(hours=1))
    arrived = Counter(json.loads(line)["reference"] for line in journal.read_text().splitlines())
    assert max(arrived.values()) == 1, "nothing went twice, by the gateway's own journal"
    assert states() == {"sent": 60 - in_flight, "unknown": in_flight}
    assert standing(user, now=NOW).available == 40

    sweeper.sweep(now=LATER + timedelta(hours=1))
    assert states() == {"sent": 60 - in_flight, "unconfirmed": in_flight}
    assert standing(user, now=NOW).available == 40 + in_flight
    assert_books_are_right(LATER + timedelta(hours=1))
