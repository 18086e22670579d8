"""The demo's handset: signed hand-overs in, a journal that hides no double, receipts out by the real road."""

import json

import pytest
from django.utils import timezone

from office.models import HandsetMessage
from sms import submission
from sms.gateways import configured
from sms.gateways.phone import SIGNATURE, default_secret, sign
from sms.models import Delivery
from sms.submission import Recipient, Request
from tests.people import person

pytestmark = pytest.mark.django_db
ADDRESS = "/phone/"


@pytest.fixture(autouse=True)
def demo(settings):
    settings.DEMO = True
    settings.SMS_GATEWAYS = {
        "phone": {"BACKEND": "sms.gateways.phone.Phone", "OPTIONS": {"url": "http://127.0.0.1:1/phone/"}}
    }


def hand_over(client, *, signature=None, body=None, **changes):
    said = {"reference": "7", "number": "+32475998877", "text": "Dag 😀", "parts": 1, "sender": "+32460000000"}
    body = json.dumps(said | changes).encode() if body is None else body
    signature = sign(default_secret(), body) if signature is None else signature
    return client.post(ADDRESS, body, content_type="application/json", headers={SIGNATURE: signature})


def sent_delivery() -> Delivery:
    user = person(now=timezone.now())
    wanted = Request(user=user, text="Hi", to=[Recipient("+32475998877")], occasion="form", request_key="k")
    message = submission.submit(wanted, now=timezone.now()).message
    message.deliveries.update(state="sending", attempt=1)
    message.deliveries.update(state="sent", sent_at=timezone.now(), reference="phone-1")
    return message.deliveries.get()


def test_a_signed_hand_over_is_taken_and_shown(client):
    answer = hand_over(client, text="Eerste lijn\n<b>tweede</b>", parts=2)
    message = HandsetMessage.objects.get()
    assert (answer.status_code, answer.json()) == (201, {"reference": f"phone-{message.pk}"})
    page = client.get(ADDRESS).content.decode()
    assert "Eerste lijn\n&lt;b&gt;tweede&lt;/b&gt;" in page
    assert "+32 475 99 88 77" in page
    assert "From +32 460 00 00 00" in page
    assert "2 SMS, joined" in page


def test_what_comes_twice_stands_there_twice(client):
    first, second = hand_over(client).json(), hand_over(client).json()
    assert first != second
    assert HandsetMessage.objects.count() == 2


@pytest.mark.parametrize("signature", ["", "0" * 64, "é"])
def test_a_hand_over_that_is_not_signed_is_refused(client, signature):
    assert hand_over(client, signature=signature.encode().decode("latin-1")).status_code == 401
    assert not HandsetMessage.objects.exists()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no json",
        b"[]",
        b"null",
        b"{}",
        b'{"reference": "7", "number": "0475", "text": "", "parts": 1, "sender": ""}',
        b'{"reference": 7, "number": "+32475998877", "text": "", "parts": 1, "sender": ""}',
        b'{"reference": "7", "number": "+32475998877", "text": "", "parts": "x", "sender": ""}',
        b'{"reference": "7", "number": "+32475998877", "text": "", "parts": -1, "sender": ""}',
    ],
)
def test_what_cannot_be_read_is_refused(client, body):
    answer = hand_over(client, body=body)
    assert (answer.status_code, answer.json()) == (422, {"error": "unreadable"})
    assert not HandsetMessage.objects.exists()


def test_one_number_alone_however_it_is_typed(client):
    hand_over(client, text="to the one")
    hand_over(client, text="to the other", number="+33612345678")
    page = client.get(ADDRESS, {"number": "+32 475 99 88 77"}).content.decode()
    assert "to the one" in page
    assert "to the other" not in page
    assert "No SMS arrived at this number" in client.get(ADDRESS, {"number": "+4912"}).content.decode()


def test_htmx_gets_the_screen_when_something_came_and_nothing_otherwise(client):
    htmx = {"HX-Request": "true"}
    hand_over(client)
    newest = HandsetMessage.objects.get().pk
    assert client.get(ADDRESS, {"seen": newest}, headers=htmx).status_code == 204
    fragment = client.get(ADDRESS, {"seen": 0}, headers=htmx).content.decode()
    assert fragment.lstrip().startswith('<div id="handset"')
    assert f"seen={newest}" in fragment


@pytest.mark.row("S20")
@pytest.mark.parametrize(("pressed", "receipt"), [("delivered", 3), ("away", 1), ("full", 2)])
def test_a_pressed_receipt_reaches_the_delivery_by_the_real_road(client, pressed, receipt):
    delivery = sent_delivery()
    hand_over(client, reference=str(delivery.pk))
    message = HandsetMessage.objects.get()
    answer = client.post(f"/phone/{message.pk}/receipt/", {"receipt": pressed, "number": "+32475998877"})
    assert answer.headers["Location"] == "/phone/?number=%2B32475998877"
    delivery.refresh_from_db()
    assert (delivery.receipt, delivery.state) == (receipt, "sent")


def test_out_of_reach_may_still_become_delivered_and_delivered_is_the_last_word(client):
    delivery = sent_delivery()
    hand_over(client, reference=str(delivery.pk))
    address = f"/phone/{HandsetMessage.objects.get().pk}/receipt/"
    for pressed in ("away", "delivered", "full"):
        client.post(address, {"receipt": pressed})
    delivery.refresh_from_db()
    assert delivery.receipt == Delivery.Receipt.DELIVERED
    assert HandsetMessage.objects.get().receipt == "delivered"


def test_a_receipt_that_does_not_exist_is_not_sent(client):
    delivery = sent_delivery()
    hand_over(client, reference=str(delivery.pk))
    client.post(f"/phone/{HandsetMessage.objects.get().pk}/receipt/", {"receipt": "exploded"})
    delivery.refresh_from_db()
    assert delivery.receipt == Delivery.Receipt.NONE
    assert client.post("/phone/99999/receipt/", {"receipt": "full"}).status_code == 404


def test_outside_the_demo_there_is_no_handset(client, settings):
    hand_over(client)
    settings.DEMO = False
    assert client.get(ADDRESS).status_code == 404
    assert hand_over(client).status_code == 404
    assert client.post(f"/phone/{HandsetMessage.objects.get().pk}/receipt/", {"receipt": "full"}).status_code == 404


def test_the_adapter_and_the_handset_speak_the_same_words():
    assert configured.gateway("phone").secret == default_secret()
