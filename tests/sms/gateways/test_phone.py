"""The demo's handset as a provider: what goes out, what its answers mean, and whose receipts are believed."""

import asyncio
import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from django.test import Client, override_settings

from sms.gateways.contract import Accepted, Forged, Receipt, ReceiptState, Refused
from sms.gateways.http import Answer, open_session
from sms.gateways.phone import SIGNATURE, Phone, default_secret, is_signed, sign
from tests.sms.gateways.benches import PhoneWords
from tests.sms.gateways.contract import an_sms
from tests.sms.gateways.provider import Exchange, Provider

PHONE = Phone(url="http://handset/", secret="of the tests")
SAID = {"reference": "7", "gateway_reference": "phone-3", "state": "delivered", "at": "2026-11-23T10:00:00+01:00"}


def signed(said, *, secret="of the tests"):
    body = said if isinstance(said, bytes) else json.dumps(said).encode()
    return {"headers": {SIGNATURE: sign(secret, body)}, "query": {}, "body": body}


def test_what_goes_out_is_the_sms_and_its_signature():
    received = []

    async def keep(on: Exchange) -> None:
        received.append(await on.read())
        await on.answer(on.words.accepted("phone-1"))

    async def scenario():
        async with Provider(PhoneWords(), "accept") as provider, open_session(window=1) as session:
            provider.behave = keep
            phone = Phone(url=provider.url, secret="of the tests")
            return await phone.send(phone.prepare(an_sms("7")), session)

    assert asyncio.run(scenario()) == Accepted("phone-1")
    [request] = received
    sms = an_sms("7")
    assert request.method == "POST"
    assert request.headers["content-type"] == "application/json"
    assert json.loads(request.body) == {
        "reference": "7", "number": sms.number, "text": sms.text, "parts": 1, "sender": sms.sender,
    }  # fmt: skip
    assert is_signed("of the tests", request.body, request.headers[SIGNATURE.lower()])


@pytest.mark.parametrize(
    ("status", "body", "verdict"),
    [
        (201, b'{"reference": "phone-3"}', Accepted("phone-3")),
        (422, b'{"error": "switched_off"}', Refused("switched_off")),
        (422, b'{"error": "He is on +32475123456"}', Refused("refused")),
        (401, b"", Refused("unauthorized", elsewhere=True)),
    ],
)
def test_documented_answers(status, body, verdict):
    assert PHONE.judge(Answer(status, "application/json", {}, body)) == verdict


def test_the_signature_is_hmac_sha256_of_the_body():
    # RFC 4231, test case 2
    expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    assert sign("Jefe", b"what do ya want for nothing?") == expected


@pytest.mark.parametrize("signature", ["", "0" * 64, sign("another", b"body"), sign("secret", b"bodY"), "é", "\x00"])
def test_other_signatures_are_not_believed(signature):
    assert is_signed("secret", b"body", sign("secret", b"body"))
    assert not is_signed("secret", b"body", signature)


def test_url_and_secret_have_defaults_of_this_office():
    with override_settings(SECRET_KEY="one", BASE_URL="https://office.test"):
        assert Phone().url == "https://office.test/phone/"
        assert Phone().secret == default_secret() != "one"
        first = default_secret()
    with override_settings(SECRET_KEY="two"):
        assert default_secret() != first


def test_the_secret_is_not_shown():
    assert "of the tests" not in repr(PHONE)


def test_a_receipt_is_read():
    at = datetime(2026, 11, 23, 10, tzinfo=timezone(timedelta(hours=1)))
    expected = Receipt(reference="7", gateway_reference="phone-3", state=ReceiptState.DELIVERED, at=at)
    assert PHONE.read_receipts(**signed(SAID)) == [expected]
    assert at.astimezone(UTC).hour == 9


@pytest.mark.parametrize("name", ["buffered", "undelivered", "delivered"])
def test_each_state_of_a_receipt(name):
    [receipt] = PHONE.read_receipts(**signed(SAID | {"state": name}))
    assert receipt.state is ReceiptState[name.upper()]
    assert receipt.left
    assert receipt.refused == ""


def test_a_receipt_signed_by_another_is_forged():
    with pytest.raises(Forged):
        PHONE.read_receipts(**signed(SAID, secret="guessed"))


@pytest.mark.parametrize(
    "said",
    [
        b"", b"[]", b"[" * 60_000, b"\xff", SAID | {"state": "read"}, SAID | {"state": None}, SAID | {"at": ""},
        SAID | {"at": "yesterday"}, SAID | {"at": "2026-11-23T10:00:00"}, SAID | {"at": 7}, SAID | {"reference": 7},
        {name: SAID[name] for name in ("reference", "state")},
    ],
)  # fmt: skip
def test_a_verified_receipt_that_cannot_be_read_is_a_value_error(said):
    with pytest.raises(ValueError, match=r"."):
        PHONE.read_receipts(**signed(said))


def test_the_handset_of_this_house_speaks_this_dialect(database, settings):
    options = {"url": "http://testserver/phone/", "secret": "of the tests"}
    settings.DEMO, settings.SMS_GATEWAYS = True, {"phone": {"BACKEND": "sms.gateways.phone.Phone", "OPTIONS": options}}
    handset = Client(enforce_csrf_checks=True)

    def hand_over(phone):
        call = phone.prepare(an_sms("7"))
        answer = handset.post("/phone/", call.body, content_type="application/json", headers=dict(call.headers))
        return phone.judge(
            Answer(answer.status_code, answer["Content-Type"].partition(";")[0], answer.headers, answer.content)
        )

    taken = hand_over(Phone(**options))
    assert isinstance(taken, Accepted)
    assert taken.reference.startswith("phone-")
    assert hand_over(Phone(url=options["url"], secret="guessed")) == Refused("unauthorized", elsewhere=True)
