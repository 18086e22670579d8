"""The provider's later word: forward only, in any order, once or often; money moves by none but the relay's no."""

import random
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from contacts.models import Notice
from credit.allowance import standing
from credit.models import Entry
from sms import dispatch, queue_sql, receipts, sweeper
from sms.gateways.contract import Receipt, ReceiptState
from sms.models import Delivery, KeptReceipt
from sms.receipts import Settled
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


@pytest.fixture
def gateways(settings):
    """Set the gateways; return the adapter of the first."""
    return lambda **options: set_up(settings, options or {"memory": {}})


@pytest.mark.row("S20")
def test_a_receipt_stands_beside_the_departure(database, gateways):
    gateways()
    [delivery] = sent()
    entries = Entry.objects.count()
    assert record(ours(delivery, DELIVERED)) == Settled(1, 0)
    after = fresh(delivery)
    assert (after.receipt, after.receipt_at) == (DELIVERED, SOON)
    assert (after.state, after.reference, after.sent_at) == ("sent", "memory-1", NOW)
    assert Entry.objects.count() == entries
    assert_books_are_right()


def test_an_undelivered_sms_has_left_and_is_not_paid_back(database, gateways):
    gateways()
    user = person()
    [delivery] = sent(user=user)
    before = standing(user, now=SOON)
    record(ours(delivery, UNDELIVERED))
    assert (fresh(delivery).state, delivery.refund) == ("sent", None)
    assert standing(user, now=SOON) == before


def test_any_order_any_batches_any_repeats_end_the_same(database, gateways):
    gateways()
    deliveries = sent(30)
    chance = random.Random(7)
    moments = {state: [NOW + timedelta(minutes=m) for m in (state, state + 10)] for state in ReceiptState}
    for delivery in deliveries:
        said = [ours(delivery, state, at=at) for state, ats in moments.items() for at in ats]
        said += chance.choices(said, k=4)
        chance.shuffle(said)
        while said:
            size = chance.randint(1, 3)
            record(*said[:size], now=NOW + timedelta(hours=1))
            del said[:size]
    ends = set(Delivery.objects.values_list("state", "receipt", "receipt_at"))
    assert ends == {("sent", DELIVERED, min(moments[DELIVERED]))}
    assert_books_are_right(NOW + timedelta(hours=1))


def test_crossed_receipts_of_several_deliveries_in_one_batch(database, gateways):
    gateways()
    first, second, third = sent(3)
    said = [
        ours(second, DELIVERED),
        ours(first, BUFFERED),
        theirs(third.reference, UNDELIVERED),
        ours(first, UNDELIVERED),
    ]
    assert record(*said) == Settled(3, 0)
    assert [fresh(each).receipt for each in (first, second, third)] == [UNDELIVERED, DELIVERED, UNDELIVERED]


def test_the_number_of_statements_does_not_grow(database, gateways):
    gateways()
    deliveries = sent(20)
    with CaptureQueriesContext(
        connection,
    ) as one:
        record(ours(deliveries[0], DELIVERED))
    with CaptureQueriesContext(connection) as many:
        record(*(ours(each, DELIVERED) for each in deliveries[1:]))
    assert len(many) == len(one) <= 9


def test_a_moment_in_the_future_is_now(database, gateways):
    gateways()
    [delivery] = sent()
    record(ours(delivery, DELIVERED, at=NOW + timedelta(days=400)))
    assert fresh(delivery).receipt_at == SOON


def test_a_receipt_without_a_moment_is_of_now(database, gateways):
    gateways()
    [delivery] = sent()
    record(ours(delivery, DELIVERED, at=None))
    assert fresh(delivery).receipt_at == SOON


def test_a_receipt_counts_only_at_the_gateway_that_has_the_delivery(database, gateways):
    gateways(memory={}, other={})
    [delivery] = sent()
    assert record(ours(delivery, DELIVERED), theirs("memory-1", DELIVERED), alias="other") == Settled(0, 2)
    assert fresh(delivery).receipt == 0
    assert record(theirs("memory-1", DELIVERED)) == Settled(1, 0)
    assert fresh(delivery).receipt == DELIVERED


def test_what_was_never_handed_over_has_no_receipt(database, gateways):
    gateways()
    [delivery] = sent(handed_over=False)
    assert record(ours(delivery, DELIVERED), no(delivery)) == Settled(0, 2)
    assert (fresh(delivery).state, delivery.receipt) == ("queued", 0)


def test_a_providers_reference_that_comes_back_is_the_younger_delivery(database, gateways):
    gateways()
    user = person()
    [old] = sent(user=user)
    gateways(memory={"window": 9})  # a fresh fake numbers from the beginning, as providers do
    [young] = sent(user=user, key="k2")
    assert old.reference == young.reference == "memory-1"
    record(theirs("memory-1", DELIVERED))
    assert (fresh(old).receipt, fresh(young).receipt) == (0, DELIVERED)


def test_references_that_are_none_of_ours_match_nothing(database, gateways):
    gateways()
    [delivery] = sent()
    for reference in ("0", "-1", "+1", " 1", "1 ", "1.0", "٣", "x", "9" * 19, "9" * 40, "1\x00", "1;--"):
        said = [
            Receipt(reference=reference, gateway_reference="memory-1", state=DELIVERED, at=SOON),
            theirs(reference + "\x00", DELIVERED),
            theirs("", DELIVERED),
        ]
        assert receipts.keep("memory", said, now=SOON) == 0
    assert receipts.settle(now=SOON) == Settled(0, 0)
    assert fresh(delivery).receipt == 0


def test_a_receipt_without_any_reference_is_not_given_to_a_delivery_without_one(database, gateways):
    gateways(memory={"script": ["time_out_after"]})
    [delivery] = sent()
    assert delivery.reference == ""
    assert record(ours(delivery, BUFFERED), theirs("", DELIVERED)) == Settled(1, 0)
    assert fresh(delivery).receipt == BUFFERED


def test_receipts_from_many_sides_at_once_move_forward_only(database, gateways):
    gateways()
    deliveries = sent(10)
    together = Barrier(6)

    def bring_all(turn):
        try:
            together.wait(timeout=10)
            for delivery in deliveries:
                for state in random.Random(turn).sample(list(ReceiptState), k=3):
                    record(ours(delivery, state))
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(bring_all, range(6)))
    receipts.settle(now=SOON + timedelta(minutes=1))  # what one of them was writing to, the others left for later
    assert not KeptReceipt.objects.exists()
    assert set(Delivery.objects.values_list("receipt", "receipt_at")) == {(DELIVERED, SOON)}


def test_no_receipts_are_no_work(database, gateways):
    gateways()
    assert record() == Settled(0, 0)


# what is still open


@pytest.mark.row("N16")
def test_evidence_settles_what_was_unknown(database, gateways):
    memory = gateways(memory={"script": ["time_out_after"]})
    user = person()
    [delivery] = sent(user=user)
    assert delivery.state == "unknown"
    record(memory.receipt(memory.arrivals()[0], state=BUFFERED, at=SOON))
    after = fresh(delivery)
    assert (after.state, after.receipt, after.refund) == ("sent", BUFFERED, None)
    later = NOW + timedelta(days=2)
    sweeper.sweep(now=later)
    assert fresh(delivery).state == "sent"
    assert_books_are_right(later)


def test_a_reference_told_by_the_receipt_is_kept(database, gateways):
    gateways(memory={"script": ["time_out_after"]})
    [delivery] = sent()
    record(Receipt(reference=str(delivery.pk), gateway_reference="memory-1", state=DELIVERED, at=SOON))
    assert (fresh(delivery).state, delivery.reference) == ("sent", "memory-1")


def test_a_receipt_that_overtakes_the_answer_wins(database, gateways):
    gateways()
    [delivery] = sent(handed_over=False)
    lease = {"token": 1, "now": NOW, "lease_until": NOW + dispatch.LEASE}
    [row] = queue_sql.claim("memory", limit=1, **lease)
    assert queue_sql.mark_sending([row.id], **lease) == {row.id: 1}
    record(Receipt(reference=str(row.id), gateway_reference="theirs-1", state=DELIVERED, at=NOW), now=NOW)
    queue_sql.record_sent([(row.id, "theirs-1")], alias="memory", now=SOON)
    queue_sql.record_unknown([(row.id, 1, "time_out", SOON)], now=SOON)
    queue_sql.record_relayed([(row.id, 1, "theirs-2")], now=SOON)
    assert queue_sql.reap(now=SOON) == 0
    after = fresh(delivery)
    assert (after.state, after.reference, after.sent_at, after.receipt) == ("sent", "theirs-1", NOW, DELIVERED)
    assert_books_are_right()


def test_what_waits_to_be_tried_again_is_not_sent_twice(database, gateways):
    memory = gateways(memory={"script": ["refuse_connection"]})
    [delivery] = sent()
    assert delivery.state == "queued"
    record(Receipt(reference=str(delivery.pk), gateway_reference="theirs-1", state=DELIVERED, at=NOW))
    assert fresh(delivery).state == "sent"
    assert dispatch.drain("memory", clock=lambda: NOW + timedelta(hours=1)) == 0
    assert memory.arrivals() == []


def test_a_bare_yes_proves_nothing_unless_there_is_a_reference(database, gateways):
    gateways(memory={"script": ["time_out_after", "relay"]})
    in_doubt, relayed = sent(2)
    record(ours(in_doubt, None), ours(relayed, None))
    assert (fresh(in_doubt).state, in_doubt.receipt) == ("unknown", 0)
    assert (fresh(relayed).state, relayed.reference, relayed.receipt) == ("sent", "memory-2", 0)
    assert_books_are_right()


@pytest.mark.row("S20")
def test_the_operators_yes_makes_sent_of_what_our_relay_took(database, gateways):
    gateways(memory={"script": ["relay"]})
    [delivery] = sent()
    assert delivery.state == "relayed"
    record(ours(delivery, DELIVERED))
    assert (fresh(delivery).state, delivery.sent_at, delivery.reference) == ("sent", SOON, "memory-1")


@pytest.mark.row("S20")
def test_the_operators_no_refuses_pays_back_and_tells_what_our_relay_took(database, gateways):
    gateways(memory={"script": ["relay"]})
    user = person()
    before = standing(user, now=NOW)
    [delivery] = sent(user=user)
    assert standing(user, now=NOW) != before
    for _ in range(3):
        record(no(delivery))
    after = fresh(delivery)
    assert (after.state, after.reason, after.receipt) == ("refused", "rejected", 0)
    assert standing(user, now=SOON) == before
    assert Entry.objects.filter(kind="refund").count() == 1
    assert Notice.objects.filter(user=user).count() == 1
    assert_books_are_right()


def test_a_no_beside_a_yes_refuses_nothing():
    no, yes = KeptReceipt(refused="absent"), KeptReceipt(left=True)
    relayed = Delivery(state="relayed", reference="r")
    assert (receipts.Told(relayed, [no]).refused, receipts.Told(relayed, [no, yes]).refused) == ("absent", "")


def test_a_yes_and_a_no_in_one_batch_is_a_yes(database, gateways):
    gateways(memory={"script": ["relay"]})
    [delivery] = sent()
    record(no(delivery), ours(delivery, DELIVERED))
    assert (fresh(delivery).state, delivery.receipt) == ("sent", DELIVERED)
    record(no(delivery))
    assert (fresh(delivery).state, delivery.refund) == ("sent", None)


@pytest.mark.parametrize(
    ("script", "state"), [("accept", "sent"), ("time_out_after", "unknown"), ("refuse_connection", "queued")]
)
def test_a_no_moves_no_money_where_no_relay_is_between(database, gateways, script, state):
    gateways(memory={"script": [script]})
    [delivery] = sent()
    entries = Entry.objects.count()
    record(no(delivery))
    assert (fresh(delivery).state, delivery.refund) == (state, None)
    assert Entry.objects.count() == entries


def test_late_evidence_changes_no_end(database, gateways):
    gateways(memory={"script": ["time_out_after", "refuse"]})
    unconfirmed, refused = sent(2)
    later = NOW + timedelta(hours=25)
    sweeper.sweep(now=later)
    entries = Entry.objects.count()
    record(ours(unconfirmed, DELIVERED), ours(refused, UNDELIVERED), now=later)
    assert (fresh(unconfirmed).state, unconfirmed.receipt) == ("unconfirmed", DELIVERED)
    assert (fresh(refused).state, refused.receipt) == ("refused", UNDELIVERED)
    assert Entry.objects.count() == entries
    assert_books_are_right(later)


def test_the_same_no_from_many_sides_pays_back_once(database, gateways):
    gateways(memory={"script": ["relay"]})
    [delivery] = sent()
    together = Barrier(8)

    def refuse(_turn):
        try:
            together.wait(timeout=10)
            record(*[no(delivery)] * 3)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(refuse, range(8)))
    receipts.settle(now=SOON + timedelta(minutes=1))
    assert not KeptReceipt.objects.exists()
    assert fresh(delivery).state == "refused"
    assert Entry.objects.filter(kind="refund").count() == 1
    assert_books_are_right()
