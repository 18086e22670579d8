"""The provider's later word: forward only, in any order, once or often; money moves by none but the relay's no."""

import json
import random
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from structlog.testing import capture_logs

from contacts.models import Notice
from credit import books as credit_books
from credit.allowance import standing
from credit.models import Entry
from sms import books, dispatch, queue_sql, receipts, submission, sweeper
from sms.gateways import configured
from sms.gateways.contract import Receipt, ReceiptState
from sms.gateways.memory import SECRET, receipts_body
from sms.gateways.phone import SIGNATURE, sign
from sms.models import Delivery
from sms.receipts import Recorded
from sms.submission import Recipient, Request
from tests.people import NOW, numbers, person

BUFFERED, UNDELIVERED, DELIVERED = ReceiptState.BUFFERED, ReceiptState.UNDELIVERED, ReceiptState.DELIVERED
SOON = NOW + timedelta(minutes=5)
MEMORY = "sms.gateways.memory.Memory"


@pytest.fixture
def gateways(settings):
    """Set the gateways; return the adapter of the first."""

    def set_up(**options):
        settings.SMS_GATEWAYS = {
            a: {"BACKEND": MEMORY, "OPTIONS": each} for a, each in (options or {"memory": {}}).items()
        }
        return configured.gateway(next(iter(settings.SMS_GATEWAYS)))

    return set_up


def sent(count=1, *, key="k", alias="memory", now=NOW, user=None, handed_over=True):
    """Submit one message to `count` numbers and hand it over; return its deliveries."""
    to = [Recipient(number) for number in numbers(count)]
    wanted = Request(user=user or person(), text="See you at 9", to=to, occasion="form", request_key=key)
    message = submission.submit(wanted, now=now).message
    if handed_over:
        dispatch.drain(alias, clock=lambda: now)
    return list(message.deliveries.order_by("position"))


def ours(delivery, state, *, at=SOON, **more):
    return Receipt(reference=str(delivery.pk), gateway_reference="", state=state, at=at, **more)


def theirs(reference, state, *, at=SOON, **more):
    return Receipt(reference="", gateway_reference=reference, state=state, at=at, **more)


def no(delivery, reason="rejected"):
    return ours(delivery, None, left=False, refused=reason)


def record(*given, alias="memory", now=SOON):
    return receipts.record(alias, given, now=now)


def fresh(delivery):
    delivery.refresh_from_db()
    return delivery


def assert_books_are_right(now=SOON):
    assert [*credit_books.check(), *books.check(now=now)] == []


@pytest.mark.row("S20")
def test_a_receipt_stands_beside_the_departure(database, gateways):
    gateways()
    [delivery] = sent()
    entries = Entry.objects.count()
    assert record(ours(delivery, DELIVERED)) == Recorded(1, 0)
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
    assert record(*said) == Recorded(3, 0)
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
    assert len(many) == len(one) <= 5


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
    assert record(ours(delivery, DELIVERED), theirs("memory-1", DELIVERED), alias="other") == Recorded(0, 2)
    assert fresh(delivery).receipt == 0
    assert record(theirs("memory-1", DELIVERED)) == Recorded(1, 0)
    assert fresh(delivery).receipt == DELIVERED


def test_what_was_never_handed_over_has_no_receipt(database, gateways):
    gateways()
    [delivery] = sent(handed_over=False)
    assert record(ours(delivery, DELIVERED), no(delivery)) == Recorded(0, 2)
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
        assert record(*said) == Recorded(0, 3)
    assert fresh(delivery).receipt == 0


def test_a_receipt_without_any_reference_is_not_given_to_a_delivery_without_one(database, gateways):
    gateways(memory={"script": ["time_out_after"]})
    [delivery] = sent()
    assert delivery.reference == ""
    assert record(ours(delivery, BUFFERED), theirs("", DELIVERED)) == Recorded(1, 1)
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
    assert set(Delivery.objects.values_list("receipt", "receipt_at")) == {(DELIVERED, SOON)}


def test_no_receipts_are_no_work(database, gateways):
    gateways()
    assert record() == Recorded(0, 0)


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
            return record(*[no(delivery)] * 3)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(refuse, range(8))) == [Recorded(1, 0)] * 8
    assert fresh(delivery).state == "refused"
    assert Entry.objects.filter(kind="refund").count() == 1
    assert_books_are_right()


# the address


@pytest.fixture
def provider(settings):
    """A client that is a provider: no cookies, no token of ours."""
    settings.SMS_GATEWAYS = {
        "memory": {"BACKEND": MEMORY, "OPTIONS": {"secret": "of the tests"}},
        "phone": {"BACKEND": "sms.gateways.phone.Phone", "OPTIONS": {"url": "http://x/", "secret": "of the tests"}},
        "silent": {"BACKEND": MEMORY, "OPTIONS": {}},
    }
    with time_machine.travel(SOON, tick=False):
        yield Client(enforce_csrf_checks=True)


def bring(client, alias, body, *, secret="of the tests", **more):
    headers = {SIGNATURE: sign(secret, body), SECRET: secret}
    return client.post(f"/receipts/{alias}/", body, content_type="application/json", headers=headers, **more)


def of_handset(delivery, **more):
    said = {"reference": str(delivery.pk), "gateway_reference": "phone-1", "state": "delivered", "at": NOW.isoformat()}
    return json.dumps(said | more).encode()


def test_a_provider_brings_a_receipt(database, provider):
    [delivery] = sent()
    body = receipts_body([ours(delivery, DELIVERED, at=NOW)])
    for _ in range(2):
        answer = bring(provider, "memory", body)
        assert (answer.status_code, answer.content) == (200, b"Thank you.\n")
    assert (fresh(delivery).receipt, delivery.receipt_at) == (DELIVERED, NOW)
    assert answer["Cache-Control"].startswith("max-age=0")


def test_the_handsets_receipt_is_for_the_handsets_deliveries_only(database, provider):
    [delivery] = sent()
    with capture_logs() as lines:
        answer = bring(provider, "phone", of_handset(delivery))
    assert answer.status_code == 200
    assert fresh(delivery).receipt == 0
    told = {"event": "receipts_unmatched", "gateway": "phone", "receipts": 1, "log_level": "warning"}
    assert [line for line in lines if line["event"] == "receipts_unmatched"] == [told]


def test_forged_unknown_and_silent_are_told_the_same(database, provider):
    [delivery] = sent()
    body = of_handset(delivery)
    answers = [
        bring(provider, "phone", body, secret="guessed"),
        provider.post("/receipts/phone/", body, content_type="application/json"),
        bring(provider, "nobody", body),
        bring(provider, "silent", body),
        bring(provider, "memory", b"\xff not json", secret="guessed"),
        provider.get("/receipts/phone/", {"reference": delivery.pk, "state": "delivered"}),
        provider.get("/receipts/nobody/"),
    ]
    told = {(each.status_code, each.content, each["Content-Type"]) for each in answers}
    assert told == {(404, b"Not found.\n", "text/plain; charset=utf-8")}
    assert fresh(delivery).receipt == 0


@pytest.mark.parametrize("alias", ["phone", "memory", "nobody"])
@pytest.mark.parametrize(("size", "status"), [(64 * 1024 + 1, 413), (10_000_000, 413)])
def test_what_is_too_long_is_not_read(provider, alias, size, status):
    answer = bring(provider, alias, b" " * size)
    assert (answer.status_code, answer.content) == (status, b"Too long.\n")


def test_sixty_four_kilobytes_are_read(database, provider):
    [delivery] = sent()
    body = receipts_body([ours(delivery, DELIVERED, at=NOW)]).ljust(64 * 1024)
    assert bring(provider, "memory", body).status_code == 200
    assert fresh(delivery).receipt == DELIVERED


def test_a_verified_request_that_cannot_be_read_is_told_so_without_an_echo(provider):
    answer = bring(provider, "phone", b'{"state": "<script>+32475123456"}')
    assert (answer.status_code, answer.content) == (400, b"This receipt cannot be read.\n")
    signed_nothing = provider.get("/receipts/phone/", headers={SIGNATURE: sign("of the tests", b"")})
    assert signed_nothing.status_code == 400


@pytest.mark.parametrize("verb", ["put", "patch", "delete"])
def test_other_verbs_are_not_for_receipts(provider, verb):
    assert getattr(provider, verb)("/receipts/memory/").status_code == 405
