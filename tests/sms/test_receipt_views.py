"""Where providers bring their receipts: verified, kept by one INSERT, told nothing that they did not know."""

import json

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from structlog.testing import capture_logs

from sms import receipts
from sms.gateways.memory import SECRET, receipts_body
from sms.gateways.phone import SIGNATURE, sign
from sms.models import KeptReceipt
from sms.receipts import Settled
from tests.people import NOW
from tests.sms.later_words import DELIVERED, MEMORY, SOON, fresh, ours, sent


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
    assert receipts.settle(now=SOON) == Settled(1, 0)
    assert (fresh(delivery).receipt, delivery.receipt_at) == (DELIVERED, NOW)
    assert answer["Cache-Control"].startswith("max-age=0")


def test_a_request_writes_one_row_and_does_nothing_else(database, provider):
    [delivery] = sent()
    body = receipts_body([ours(delivery, DELIVERED)] * 3)
    with CaptureQueriesContext(connection) as done:
        bring(provider, "memory", body)
    said = [each["sql"].split()[0] for each in done if each["sql"].split()[0] not in {"BEGIN", "COMMIT"}]
    assert said == ["INSERT"]
    assert KeptReceipt.objects.count() == 3
    assert fresh(delivery).receipt == 0


def test_the_handsets_receipt_is_for_the_handsets_deliveries_only(database, provider):
    [delivery] = sent()
    assert bring(provider, "phone", of_handset(delivery)).status_code == 200
    assert receipts.settle(now=SOON) == Settled(0, 1)
    assert fresh(delivery).receipt == 0


def test_what_can_never_be_matched_is_dropped_and_counted(database, provider):
    [delivery] = sent()
    with capture_logs() as lines:
        assert bring(provider, "phone", of_handset(delivery, reference="x")).status_code == 200
    told = {"event": "receipts_unmatched", "gateway": "phone", "receipts": 1, "log_level": "warning"}
    assert [line for line in lines if line["event"] == "receipts_unmatched"] == [told]
    assert not KeptReceipt.objects.exists()


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
    assert not KeptReceipt.objects.exists()


@pytest.mark.parametrize("alias", ["phone", "memory", "nobody"])
@pytest.mark.parametrize(("size", "status"), [(64 * 1024 + 1, 413), (10_000_000, 413)])
def test_what_is_too_long_is_not_read(provider, alias, size, status):
    answer = bring(provider, alias, b" " * size)
    assert (answer.status_code, answer.content) == (status, b"Too long.\n")


def test_sixty_four_kilobytes_are_read(database, provider):
    [delivery] = sent()
    body = receipts_body([ours(delivery, DELIVERED, at=NOW)]).ljust(64 * 1024)
    assert bring(provider, "memory", body).status_code == 200
    receipts.settle(now=SOON)
    assert fresh(delivery).receipt == DELIVERED


def test_a_verified_request_that_cannot_be_read_is_told_so_without_an_echo(provider):
    answer = bring(provider, "phone", b'{"state": "<script>+32475123456"}')
    assert (answer.status_code, answer.content) == (400, b"This receipt cannot be read.\n")
    signed_nothing = provider.get("/receipts/phone/", headers={SIGNATURE: sign("of the tests", b"")})
    assert signed_nothing.status_code == 400


@pytest.mark.parametrize("verb", ["put", "patch", "delete"])
def test_other_verbs_are_not_for_receipts(provider, verb):
    assert getattr(provider, verb)("/receipts/memory/").status_code == 405
