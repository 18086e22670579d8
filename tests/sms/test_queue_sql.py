"""Every fence of the queue's statements: what each must leave alone, one condition at a time."""

from datetime import timedelta

import pytest
from django.db import connection, transaction

from contacts.models import User
from sms import holding, queue_sql, slots, submission
from sms.models import Delivery, Message, Slot
from sms.submission import Recipient, Request
from tests.people import NOW, numbers, person

MINE, THEIRS = 1, 2
LEASE = NOW + timedelta(minutes=1)
SOON, BEFORE = NOW + timedelta(seconds=5), NOW - timedelta(seconds=5)


@pytest.fixture
def waiting(database) -> list[int]:
    """Three deliveries that wait at the gateway `memory`; their ids."""
    return submitted(person(), "k")


def submitted(user: User, key: str) -> list[int]:
    to = [Recipient(number) for number in numbers(3)]
    request = Request(user=user, text="See you at 9", to=to, occasion="form", request_key=key)
    message = submission.submit(request, now=NOW).message
    return list(message.deliveries.order_by("position").values_list("pk", flat=True))


def put(pk: int, **fields) -> None:
    """Change one row as its worker would have, move by move, so that the triggers let it."""
    ways = {
        "relayed": ["sending", "relayed"],
        "unknown": ["sending", "unknown"],
        "sending": ["sending"],
        "queued": [],
    }
    for state in ways[fields.pop("state", "queued")]:
        Delivery.objects.filter(pk=pk).update(state=state, attempt=1)
    if fields:
        Delivery.objects.filter(pk=pk).update(**fields)


def state(pk: int) -> str:
    return Delivery.objects.values_list("state", flat=True).get(pk=pk)


def claimed(claim=queue_sql.claim) -> set[int]:
    return {row.id for row in claim("memory", token=MINE, limit=10, now=NOW, lease_until=LEASE)}


NOT_CLAIMED = [
    {"gateway": "other"},
    {"not_before": SOON},
    {"valid_until": NOW},
    {"claim": THEIRS, "lease_until": SOON},
]


@pytest.mark.parametrize("as_it_is", [*NOT_CLAIMED, {"state": "sending"}, {"state": "unknown"}])
def test_a_claim_leaves_this_alone(waiting, as_it_is):
    put(waiting[1], **as_it_is)
    assert claimed() == {waiting[0], waiting[2]}


@pytest.mark.parametrize("as_it_is", [*NOT_CLAIMED, {"attempt": 5}])
def test_a_claim_of_what_is_unknown_leaves_this_alone(waiting, as_it_is):
    put(waiting[0], state="unknown")
    put(waiting[1], **{"state": "unknown"} | as_it_is)
    assert claimed(queue_sql.claim_unknown) == {waiting[0]}, "nor what waits"


def mark(ids: list[int]) -> dict[int, int]:
    return queue_sql.mark_sending(ids, token=MINE, now=NOW, lease_until=LEASE)


@pytest.mark.parametrize("as_it_is", [{"claim": THEIRS}, {"valid_until": NOW}, {"attempt": 5}, {"claim": None}])
def test_the_mark_leaves_this_alone(waiting, as_it_is):
    claimed()
    put(waiting[1], **as_it_is)
    assert mark(waiting) == {waiting[0]: 1, waiting[2]: 1}
    assert state(waiting[1]) == "queued"


def test_the_mark_leaves_alone_what_is_being_sent_or_has_been_cancelled(waiting):
    claimed()
    assert mark(waiting[:1]) == {waiting[0]: 1}
    assert mark(waiting[:1]) == {}, "it is being handed over already"
    with transaction.atomic():
        queue_sql.cancel(Message.objects.get().pk, now=NOW)
    Delivery.objects.update(claim=MINE)
    assert mark(waiting) == {}
    assert [state(pk) for pk in waiting] == ["sending", "cancelled", "cancelled"]


def test_what_is_not_mine_or_is_being_sent_is_not_given_back(waiting):
    claimed()
    put(waiting[1], claim=THEIRS)
    mark(waiting[2:])
    queue_sql.give_back(waiting, token=MINE)
    assert list(Delivery.objects.order_by("pk").values_list("claim", flat=True)) == [None, THEIRS, MINE]


# (what is written down, with which attempt): on a row that is being sent by its first attempt, only the first counts
WORDS = {
    "relayed": lambda pk, attempt: queue_sql.record_relayed([(pk, attempt, "r")], now=NOW),
    "unknown": lambda pk, attempt: queue_sql.record_unknown([(pk, attempt, "why", NOW)], now=NOW),
    "queued": lambda pk, attempt: queue_sql.record_not_sent([(pk, attempt, "why", NOW, "memory")], now=NOW),
    "refused": lambda pk, attempt: queue_sql.end_attempts([(pk, attempt, "why")], now=NOW),
}


@pytest.mark.parametrize("word", WORDS)
def test_the_word_of_another_attempt_is_dropped(waiting, word):
    put(waiting[0], state="sending", attempt=2)
    with transaction.atomic():
        WORDS[word](waiting[0], 1)
    assert state(waiting[0]) == "sending"
    with transaction.atomic():
        WORDS[word](waiting[0], 2)
    assert state(waiting[0]) == word


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("meanwhile", ["unknown", "relayed"])
def test_a_word_about_what_is_no_longer_being_sent_is_dropped(waiting, word, meanwhile):
    put(waiting[0], state=meanwhile, reason="meanwhile")
    with transaction.atomic():
        WORDS[word](waiting[0], 1)
    assert list(Delivery.objects.filter(pk=waiting[0]).values_list("state", "reason")) == [(meanwhile, "meanwhile")]


def test_a_yes_changes_nothing_of_what_has_ended(waiting):
    with transaction.atomic():
        queue_sql.cancel(Message.objects.get().pk, now=NOW)
    queue_sql.record_sent([(waiting[0], "late")], alias="memory", now=NOW)
    assert list(Delivery.objects.filter(pk=waiting[0]).values_list("state", "reference")) == [("cancelled", "")]


def test_a_second_no_is_not_paid_back(waiting):
    put(waiting[0], state="sending")
    for paid_back in (1, 0):
        with transaction.atomic():
            assert len(queue_sql.end_attempts([(waiting[0], 1, "why")], now=NOW)) == paid_back


@pytest.mark.parametrize("meanwhile", ["sending", "unknown"])
def test_what_may_have_left_is_not_refused_cancelled_or_expired(waiting, meanwhile):
    put(waiting[0], state=meanwhile, valid_until=BEFORE)
    with transaction.atomic():
        assert queue_sql.refuse(waiting[:1], reason="why", now=NOW) == []
        assert queue_sql.expire(now=NOW, limit=10) == []
        assert len(queue_sql.cancel(Message.objects.get().pk, now=NOW)) == 2
    assert state(waiting[0]) == meanwhile


def test_only_the_message_that_is_meant_is_cancelled(waiting):
    others = submitted(person("ben"), "other")
    with transaction.atomic():
        queue_sql.cancel(Delivery.objects.get(pk=others[0]).message_id, now=NOW)
    assert {state(pk) for pk in waiting} == {"queued"}


def test_only_what_is_past_its_validity_expires(waiting):
    put(waiting[0], valid_until=NOW)
    with transaction.atomic():
        assert [each.id for each in queue_sql.expire(now=NOW, limit=10)] == [waiting[0]]


def test_only_what_has_been_unknown_for_long_is_given_up(waiting):
    put(waiting[0], state="unknown", state_at=BEFORE)
    put(waiting[1], state="unknown", state_at=SOON)
    put(waiting[2], state="relayed", state_at=BEFORE)
    with transaction.atomic():
        assert [each.id for each in queue_sql.give_up_unknown(since=NOW, now=NOW, limit=10)] == [waiting[0]]


def test_only_calls_whose_lease_ended_are_reaped(waiting):
    put(waiting[0], state="sending", lease_until=NOW)
    put(waiting[1], state="sending", lease_until=SOON)
    put(waiting[2], lease_until=BEFORE)
    assert queue_sql.reap(now=NOW) == 1
    assert [state(pk) for pk in waiting] == ["unknown", "sending", "queued"]


def test_only_what_the_relay_has_had_for_long_is_doubted(waiting):
    put(waiting[0], state="relayed", state_at=BEFORE)
    put(waiting[1], state="relayed", state_at=SOON)
    put(waiting[2], state="sending", state_at=BEFORE)
    assert queue_sql.doubt_relayed(since=NOW, now=NOW) == 1
    assert [state(pk) for pk in waiting] == ["unknown", "relayed", "sending"]


@pytest.mark.parametrize(
    "as_it_is", [{"state": "sending"}, {"state": "unknown"}, {"lease_until": SOON}, {"gateway": "c"}]
)
def test_only_what_waits_and_is_free_is_moved_to_another_gateway(waiting, as_it_is):
    put(waiting[1], **as_it_is)
    assert queue_sql.move_waiting("memory", [("+", "spare")], now=NOW) == 2
    assert Delivery.objects.get(pk=waiting[1]).gateway != "spare"


def test_only_what_waits_is_rerouted(waiting):
    put(waiting[0], state="unknown")
    assert queue_sql.reroute(["spare"], to="spare") == 2
    assert Delivery.objects.get(pk=waiting[0]).gateway == "memory"


@pytest.mark.parametrize(
    "moved",
    [
        lambda: queue_sql.move_waiting("memory", [("+", "spare")], now=LEASE),
        lambda: queue_sql.reroute(["spare"], to="spare"),
    ],
    ids=["moved", "rerouted"],
)
def test_a_stalled_drain_calls_nothing_that_was_moved_or_rerouted_meanwhile(waiting, moved):
    """Else one gateway is called for what stands at another: in doubt it would be handed over there as well."""
    claimed()
    assert moved() == 3
    assert mark(waiting) == {}


class TestTheSlot:
    def test_is_not_given_to_a_second_while_its_lease_lasts(self, database):
        assert slots.take("memory", owner=MINE, now=NOW)
        assert not slots.take("memory", owner=THEIRS, now=NOW + slots.LEASE - timedelta(seconds=1))
        assert slots.take("memory", owner=THEIRS, now=NOW + slots.LEASE)

    def test_is_not_given_while_the_gateway_rests(self, database):
        Slot.objects.create(alias="memory", resting_until=SOON)
        assert not slots.take("memory", owner=MINE, now=NOW)
        assert slots.take("memory", owner=MINE, now=SOON)

    def test_is_renewed_for_its_owner_only(self, database):
        slots.take("memory", owner=MINE, now=NOW)
        late = NOW + slots.LEASE / 2
        assert slots.renew("memory", owner=THEIRS, now=late) is None
        assert slots.renew("memory", owner=MINE, now=late)
        assert Slot.objects.get(alias="memory").lease_until == late + slots.LEASE

    def test_is_not_renewed_for_who_lost_it_a_moment_ago(self, database):
        """Between the look and the renewal another takes it, whose lease stays as it is."""
        slots.take("memory", owner=MINE, now=NOW)

        def meanwhile(execute, sql, *args):
            if sql.startswith("UPDATE"):
                execute(f"UPDATE sms_slot SET owner = {THEIRS}", None, *args[1:])
            return execute(sql, *args)

        with connection.execute_wrapper(meanwhile):
            slots.renew("memory", owner=MINE, now=NOW + slots.LEASE / 2)
        assert Slot.objects.get(alias="memory").lease_until == NOW + slots.LEASE

    @pytest.mark.parametrize(
        "resting", [{"resting_until": SOON}, {"held_at": NOW}, {"held_at": NOW, "alias": holding.ALL}]
    )
    def test_gives_no_room_while_its_gateway_rests_or_is_held(self, database, resting):
        slots.take("memory", owner=MINE, now=NOW)
        assert slots.renew("memory", owner=MINE, now=NOW).room(5, under_way=0) == 5
        Slot.objects.update_or_create(alias=resting.get("alias", "memory"), defaults=resting)
        assert slots.renew("memory", owner=MINE, now=NOW).room(5, under_way=0) == 0

    def test_gives_room_for_one_call_while_its_gateway_is_tried(self, database):
        slots.take("memory", owner=MINE, now=NOW)
        Slot.objects.filter(alias="memory").update(failures=slots.FAILURES_BEFORE_REST)
        place = slots.renew("memory", owner=MINE, now=NOW)
        assert [place.room(5, under_way=already) for already in (0, 1, 2)] == [1, 0, 0]

    def test_is_left_by_its_owner_only(self, database):
        slots.take("memory", owner=MINE, now=NOW)
        slots.leave("memory", owner=THEIRS)
        assert Slot.objects.get(alias="memory").owner == MINE
