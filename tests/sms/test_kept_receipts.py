"""Receipts that come too early or about nothing we have: kept, matched later, given up after some days (G3)."""

import random
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import permutations

import pytest
from django.db import connection, transaction
from structlog.testing import capture_logs

from credit.models import Entry
from sms import dispatch, queue_sql, receipts, sweeper, tasks
from sms.gateways.contract import Receipt
from sms.models import Delivery, KeptReceipt
from sms.receipts import KEPT_FOR, Settled
from tests.people import NOW, person
from tests.sms.later_words import (
    BUFFERED,
    DELIVERED,
    SOON,
    UNDELIVERED,
    assert_books_are_right,
    fresh,
    no,
    ours,
    record,
    sent,
    set_up,
    theirs,
)

A_SECOND = timedelta(seconds=1)
YES = "the operator's own reference"


@pytest.fixture
def memory(settings):
    return set_up(settings, {"memory": {}})


def being_handed_over(count=1):
    """Deliveries whose calls are under way."""
    rows = sent(count, handed_over=False, user=person(parts=100))
    lease = {"token": 1, "now": NOW, "lease_until": NOW + dispatch.LEASE}
    claimed = queue_sql.claim("memory", limit=count, **lease)
    queue_sql.mark_sending([row.id for row in claimed], **lease)
    return rows


def relayed(delivery, *, reference="", now=SOON):
    """The end of its call: our relay has it."""
    queue_sql.record_relayed([(delivery.pk, 1, reference)], now=now)


def yes(delivery, *, at=NOW):
    """The operator's yes to what our relay has: no state of the telephone, but a reference."""
    return Receipt(reference=str(delivery.pk), gateway_reference=YES, state=None, at=at)


def looked(after):
    return receipts.settle(now=SOON + after)


@pytest.mark.row("S20")
def test_the_operators_yes_may_come_before_the_relays(database, memory):
    [delivery] = being_handed_over()
    assert record(yes(delivery)) == Settled(1, 0)
    relayed(delivery)
    assert (fresh(delivery).state, delivery.reference, delivery.sent_at) == ("sent", YES, NOW)
    assert_books_are_right()


@pytest.mark.row("S20", "N4")
def test_the_operators_no_before_the_relays_yes_waits_for_the_end_of_the_call(database, memory):
    [delivery] = being_handed_over()
    assert record(no(delivery)) == Settled(0, 1)
    assert (fresh(delivery).state, delivery.refund) == ("sending", None)
    assert looked(timedelta(0)) == Settled(0, 0)  # it is not looked at again at once
    relayed(delivery)
    assert looked(A_SECOND) == Settled(1, 0)
    assert (fresh(delivery).state, delivery.reason) == ("refused", "rejected")
    assert Entry.objects.filter(kind="refund").count() == 1
    assert_books_are_right()


def test_a_bare_yes_before_the_answer_counts_when_the_answer_brings_the_reference(database, memory):
    [delivery] = being_handed_over()
    assert record(ours(delivery, None)) == Settled(0, 1)
    relayed(delivery, reference="relay-1")
    assert looked(A_SECOND) == Settled(1, 0)
    assert (fresh(delivery).state, delivery.reference) == ("sent", "relay-1")


def test_a_receipt_with_the_gateways_reference_waits_until_we_know_that_reference(database, memory):
    [delivery] = being_handed_over()
    assert record(theirs("theirs-1", DELIVERED)) == Settled(0, 1)
    queue_sql.record_sent([(delivery.pk, "theirs-1")], alias="memory", now=SOON)
    assert looked(A_SECOND) == Settled(1, 0)
    assert (fresh(delivery).state, delivery.receipt) == ("sent", DELIVERED)


@pytest.mark.parametrize(
    ("ends", "state"),
    [
        (lambda pk: queue_sql.record_not_sent([(pk, 1, "refused", SOON, "memory")], now=SOON), "queued"),
        (lambda pk: queue_sql.record_unknown([(pk, 1, "time_out", SOON)], now=SOON), "unknown"),
        (lambda pk: queue_sql.record_sent([(pk, "theirs-1")], alias="memory", now=SOON), "sent"),
    ],
)
def test_an_early_no_moves_nothing_where_the_call_ends_otherwise(database, memory, ends, state):
    [delivery] = being_handed_over()
    record(no(delivery))
    ends(delivery.pk)
    assert looked(A_SECOND) == Settled(1, 0)
    assert (fresh(delivery).state, delivery.refund) == (state, None)
    assert not KeptReceipt.objects.exists()


def test_an_early_no_outlives_the_worker_that_made_the_call(database, memory):
    [delivery] = being_handed_over()
    record(no(delivery))
    sweeper.sweep(now=NOW + timedelta(hours=1))
    receipts.settle(now=NOW + timedelta(hours=1))
    assert fresh(delivery).state == "unknown"
    assert not KeptReceipt.objects.exists()


@pytest.mark.row("S20")
def test_every_order_of_what_an_operator_says_ends_the_same(database, memory):
    """Before, between and after the relay's own yes, each in a batch of its own."""
    orders = list(permutations(["relay", "took", "buffered", "delivered"]))
    deliveries = being_handed_over(len(orders))
    for delivery, order in zip(deliveries, orders, strict=True):
        for turn, each in enumerate(order):
            now = SOON + timedelta(seconds=turn)
            if each == "relay":
                relayed(delivery, now=now)
            else:
                states = {"took": None, "buffered": BUFFERED, "delivered": DELIVERED}
                said = Receipt(reference=str(delivery.pk), gateway_reference=YES, state=states[each], at=NOW)
                record(said, now=now)
    looked(timedelta(hours=1))
    ends = set(Delivery.objects.values_list("state", "receipt", "receipt_at", "reference", "sent_at"))
    assert ends == {("sent", DELIVERED, NOW, YES, NOW)}
    assert_books_are_right()


def test_a_thousand_orders_doubled_and_crossed_have_one_end(database, memory):
    deliveries = being_handed_over(100)
    chance = random.Random(11)
    said = [(each, state) for each in deliveries for state in (None, BUFFERED, UNDELIVERED, DELIVERED)] * 2
    said += [(each, "relay") for each in deliveries]
    chance.shuffle(said)
    while said:
        now = SOON + timedelta(seconds=1000 - len(said))
        brought = [said.pop() for _ in range(min(len(said), chance.randint(1, 60)))]
        for delivery, state in brought:
            if state == "relay":
                relayed(delivery, now=now)
            else:
                more = {"gateway_reference": YES}
                receipts.keep("memory", [ours(delivery, state, at=NOW, **more)], now=now)
        receipts.settle(now=now)
    looked(timedelta(days=1))
    assert set(Delivery.objects.values_list("state", "receipt", "receipt_at")) == {("sent", DELIVERED, NOW)}
    assert not KeptReceipt.objects.exists()
    assert_books_are_right()


def test_control_without_being_kept_an_early_no_would_be_lost(database, memory):
    [delivery] = being_handed_over()
    record(no(delivery))
    KeptReceipt.objects.all().delete()
    relayed(delivery)
    looked(timedelta(hours=1))
    assert fresh(delivery).state == "relayed"


def test_what_nobody_has_is_looked_at_ever_more_seldom_and_given_up_after_some_days(database, memory):
    sent()
    record(theirs("of-somebody-else", DELIVERED))
    looks, now = 0, SOON
    with capture_logs() as lines:
        while kept := KeptReceipt.objects.first():
            assert kept.look_at > now
            now, looks = kept.look_at, looks + 1
            assert receipts.settle(now=now) == Settled(0, 1)
    assert KEPT_FOR <= now - SOON <= KEPT_FOR + timedelta(hours=1)
    assert 50 < looks < 100
    told = {"event": "receipts_unmatched", "gateway": "memory", "receipts": 1, "log_level": "warning"}
    assert lines == [told]


def test_more_than_one_batch_is_settled_at_once(database, memory, monkeypatch):
    monkeypatch.setattr(receipts, "BATCH", 7)
    deliveries = sent(20)
    brought = [ours(each, DELIVERED) for each in deliveries]
    brought += [theirs(f"none-{index}", DELIVERED) for index in range(9)]
    assert record(*brought) == Settled(20, 9)
    assert set(Delivery.objects.values_list("receipt", flat=True)) == {DELIVERED}
    assert KeptReceipt.objects.count() == 9


def test_receipts_of_two_gateways_in_one_batch(database, settings):
    set_up(settings, {"memory": {}, "other": {}})
    [here] = sent()
    receipts.keep("other", [ours(here, DELIVERED), theirs("memory-1", DELIVERED)], now=SOON)
    receipts.keep("memory", [ours(here, BUFFERED)], now=SOON)
    assert receipts.settle(now=SOON) == Settled(1, 2)
    assert fresh(here).receipt == BUFFERED


def test_it_left_when_the_operator_said_so_not_when_we_heard_of_it(database, memory):
    """Our side may have been away for an hour: Kannel then brings its receipts late, with their moments."""
    late, early, never = being_handed_over(3)
    at = NOW + timedelta(seconds=3)
    for delivery, moment in ((late, at), (early, NOW - timedelta(days=1)), (never, SOON + timedelta(days=1))):
        relayed(delivery)
        record(yes(delivery, at=moment))
    moments = [fresh(each).sent_at for each in (late, early, never)]
    assert moments == [at, NOW, SOON]  # never before it was handed over, never after now


@pytest.mark.django_db(transaction=True)
def test_the_dispatcher_never_waits_for_receipts_nor_they_for_it(memory):
    [delivery] = sent()
    receipts.keep("memory", [ours(delivery, DELIVERED)], now=SOON)

    def elsewhere(work, **more):
        def run():
            try:
                return work(**more)
            finally:
                connection.close()

        with ThreadPoolExecutor(1) as pool:
            return pool.submit(run).result(timeout=10)

    with transaction.atomic():
        Delivery.objects.select_for_update().get(pk=delivery.pk)
        assert elsewhere(receipts.settle, now=SOON) == Settled(0, 1)
    with transaction.atomic():
        list(KeptReceipt.objects.select_for_update())
        assert elsewhere(receipts.settle, now=SOON + A_SECOND) == Settled(0, 0)
    assert looked(A_SECOND) == Settled(1, 0)
    assert fresh(delivery).receipt == DELIVERED


def test_the_task_settles(database, memory):
    [delivery] = sent()
    receipts.keep("memory", [ours(delivery, DELIVERED)], now=SOON)
    KeptReceipt.objects.update(look_at=NOW - timedelta(days=400))
    tasks.settle_receipts()
    assert fresh(delivery).receipt == DELIVERED
