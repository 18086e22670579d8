"""Through a real Kannel: from the form to the operator's log and back by receipts over HTTP (S10, S16, S20).

A private bearerbox, smsbox and operator; the receipts come to Django's live server, as they would in an office.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from playwright.sync_api import Page

from contacts.models import Notice, User
from credit import books as credit_books
from credit.allowance import standing
from sms import books, dispatch, receipts, submission, sweeper
from sms.models import Delivery, KeptReceipt
from sms.submission import Recipient, Request
from tests.people import person
from tests.servers.kannel import Kannel

pytestmark = pytest.mark.django_db(transaction=True)

DELIVERED = Delivery.Receipt.DELIVERED
HOUR = timedelta(hours=1)


@pytest.fixture
def relay(private_kannel: Kannel, settings: Any, live_server: Any) -> Kannel:
    """The office sends by Kannel, and Kannel reaches the office."""
    settings.BASE_URL = live_server.url
    settings.SMS_GATEWAYS = {"main": {"BACKEND": "sms.gateways.kannel.Kannel", "OPTIONS": private_kannel.options}}
    settings.SMS_SENDER = "+32460000000"
    return private_kannel


@pytest.fixture
def anna(settings: Any) -> User:
    return person(parts=30, now=timezone.now())


def send(user: User, text: str, *to: str) -> list[Delivery]:
    """Submit `text` to the numbers and hand it over; return its deliveries as they are then."""
    now = timezone.now()
    wanted = Request(user, text, [Recipient(number) for number in to], "form", text[:60])
    message = submission.submit(wanted, now=now).message
    dispatch.drain("main", clock=lambda: now)
    return list(message.deliveries.order_by("position"))


def drain(after: timedelta) -> None:
    """Hand over what is due `after` now, beside the browser's own loop."""

    def in_a_thread() -> None:
        try:
            dispatch.drain("main", clock=lambda: timezone.now() + after)
        finally:
            connection.close()

    with ThreadPoolExecutor(max_workers=1) as thread:
        thread.submit(in_a_thread).result()


def settled(*deliveries: Delivery, state: str, receipt: int = 0) -> bool:
    """Take the receipts that have come, as the office does each second; whether all stand as expected now."""
    receipts.settle(now=timezone.now())
    for delivery in deliveries:
        delivery.refresh_from_db()
    return all((each.state, each.receipt) == (state, receipt) for each in deliveries)


def assert_books_are_right(now: datetime) -> None:
    assert [*credit_books.check(), *books.check(now=now)] == []


@pytest.mark.row("S16", "S10", "S20")
def test_the_sources_own_clicks_put_it_into_the_operators_log(
    page: Page, sign_in: Callable[[Page, Any], None], relay: Kannel, anna: User
) -> None:
    relay.connect_operator()
    sign_in(page, anna)
    page.goto("/")
    page.locator("main").get_by_role("link", name="SMS", exact=True).click()
    page.get_by_label("Mobile", exact=True).fill("32 475 123456")
    page.get_by_role("button", name="Add", exact=True).click()
    page.get_by_label("Message", exact=True).fill("Fenêtre fermée: 5 € à payer")
    page.get_by_role("button", name="Send", exact=True).click()
    page.wait_for_url("**/sms/*-*/")
    drain(submission.FORM_DELAY)
    [delivery] = Delivery.objects.all()
    relay.wait_until(lambda: settled(delivery, state="sent", receipt=DELIVERED))
    [arrived] = relay.arrived()
    assert (arrived.sender, arrived.number) == ("+32460000000", "+32475123456")
    assert arrived.text == "Fenêtre fermée: 5 € à payer"
    page.reload()
    assert "left our system" in page.locator("#sms-live").inner_text()


@pytest.mark.row("S10", "S20")
def test_each_letter_arrives_once_and_the_receipts_move_the_delivery(relay: Kannel, anna: User) -> None:
    relay.connect_operator()
    texts = ["Crêpe — 5 € ’s avonds 👍\nAnna", "é à ù € [x] {y} ~ Ç @ $ _", "x" * 153 + "y" * 153 + "€"]
    before = timezone.now().replace(microsecond=0)
    sent = [send(anna, text, "+32475123456")[0] for text in texts]
    relay.wait_until(lambda: settled(*sent, state="sent", receipt=DELIVERED))
    wide, plain, *parts = relay.arrived()
    assert [wide.text, plain.text] == texts[:2]
    assert [part.text for part in parts] == ["x" * 153, "y" * 153, "€"]
    assert [part.udh[-2:] for part in parts] == [b"\x03\x01", b"\x03\x02", b"\x03\x03"]
    assert {sms.number for sms in relay.arrived()} == {"+32475123456"}
    assert len({delivery.reference for delivery in sent} - {""}) == 3
    for delivery in sent:
        assert before <= delivery.sent_at <= timezone.now()
        assert delivery.gateway == "main"
    relay.wait_until(lambda: settled(*sent, state="sent", receipt=DELIVERED) and not KeptReceipt.objects.exists())
    assert_books_are_right(timezone.now())


@pytest.mark.row("S20", "N16")
def test_without_an_operator_it_has_not_left_whatever_our_relay_says(relay: Kannel, anna: User) -> None:
    [delivery] = send(anna, "Hello", "+32475123456")
    handed_at, cost = delivery.handed_at, standing(anna, now=timezone.now())
    assert (delivery.state, delivery.reference, delivery.sent_at) == ("relayed", "", None)
    sweeper.sweep(now=handed_at + HOUR - timedelta(seconds=10))
    assert settled(delivery, state="relayed")
    in_doubt_at = handed_at + HOUR + timedelta(minutes=1)
    sweeper.sweep(now=in_doubt_at)
    assert settled(delivery, state="unknown")
    assert_books_are_right(in_doubt_at)
    given_up_at = in_doubt_at + timedelta(hours=24)
    sweeper.sweep(now=given_up_at)
    assert settled(delivery, state="unconfirmed")
    assert standing(anna, now=timezone.now()) != cost
    assert delivery.refund.parts == 1
    assert_books_are_right(given_up_at)
    relay.connect_operator()  # Kannel has kept it all the while: late evidence changes no end
    relay.wait_until(lambda: settled(delivery, state="unconfirmed", receipt=DELIVERED))
    assert len(relay.arrived()) == 1


@pytest.mark.row("S20", "N16")
def test_what_a_killed_relay_has_lost_ends_unknown_and_is_never_called_sent(relay: Kannel, anna: User) -> None:
    [delivery] = send(anna, "Hello", "+32475123456")
    assert delivery.state == "relayed"
    relay.kill()
    [refused] = send(anna, "Nobody is there", "+32475123456")
    assert (refused.state, refused.reason) == ("queued", "ClientConnectorError")
    relay.start()
    relay.connect_operator()
    [after] = send(anna, "After", "+32475123456")
    relay.wait_until(lambda: settled(after, state="sent", receipt=DELIVERED))
    dispatch.drain("main", clock=lambda: timezone.now() + timedelta(minutes=1))
    relay.wait_until(lambda: settled(refused, state="sent", receipt=DELIVERED))
    assert [sms.text for sms in relay.arrived()] == ["After", "Nobody is there"]
    assert settled(delivery, state="relayed")
    sweeper.sweep(now=delivery.handed_at + HOUR + timedelta(minutes=1))
    assert settled(delivery, state="unknown")
    assert delivery.reason == "no_receipt"


@pytest.mark.row("S20", "N4", "S21")
def test_the_operators_no_refuses_pays_back_and_tells(relay: Kannel, anna: User) -> None:
    relay.connect_operator()
    before = standing(anna, now=timezone.now())
    [yes, no] = send(anna, "Hello", "+32475123456", "+33612345678")
    relay.wait_until(lambda: settled(yes, state="sent", receipt=DELIVERED) and settled(no, state="refused"))
    assert no.reason == "nack_rejected"
    assert [sms.number for sms in relay.arrived()] == ["+32475123456"]
    assert standing(anna, now=timezone.now()).available == before.available - 1
    assert Notice.objects.filter(user=anna).count() == 1
    assert_books_are_right(timezone.now())


def test_nobody_else_brings_receipts(relay: Kannel, anna: User, live_server: Any, client: Any) -> None:
    [delivery] = send(anna, "Hello", "+32475123456")
    guessed = {"id": delivery.pk, "proof": "0" * 64, "kind": 1, "operator": "x", "relay": "", "at": "", "why": ""}
    answer, nowhere = client.get("/receipts/main/", guessed), client.get("/receipts/other/", guessed)
    assert (answer.status_code, answer.content) == (nowhere.status_code, nowhere.content) == (404, b"Not found.\n")
    assert settled(delivery, state="relayed")
