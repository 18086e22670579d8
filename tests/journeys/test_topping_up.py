"""Top-up in a real browser, paid at the double of Stripe: a process of its own, with signed events (S13, S12)."""

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Generator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from contacts.models import User
from credit import books, checkout
from credit.allowance import standing
from credit.models import Entry, TopUp
from tests.browser import OpenPage, axe
from tests.people import person
from tests.servers import PROJECT, programs

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.row("S13")]
KEY, SECRET = "sk_test_journey", "whsec_journey"
BALANCE = "/settings/account/balance/"


@pytest.fixture
def stripe(settings: Any, live_server: Any, tmp_path: Any) -> Generator[str, None, None]:
    """The double, started as `make run` starts it; it brings its events to the live server."""
    address = f"http://127.0.0.1:{programs.free_port()}"
    environment = os.environ | {
        "DEMO": "1", "STRIPE_API_BASE": address, "STRIPE_SECRET_KEY": KEY, "STRIPE_WEBHOOK_SECRET": SECRET,
        "BASE_URL": live_server.url, "OFFICE_DATA": str(tmp_path), "DATABASE_URL": f"sqlite:///{tmp_path}/x.sqlite3",
    }  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, "manage.py", "stripe_double"],
        cwd=PROJECT,
        env=environment,
        preexec_fn=programs.follow_parent(),
    )
    settings.STRIPE_API_BASE, settings.STRIPE_SECRET_KEY, settings.STRIPE_WEBHOOK_SECRET = address, KEY, SECRET
    settings.BASE_URL = live_server.url
    wait_for(address)
    yield address
    process.kill()
    process.wait()


def wait_for(address: str) -> None:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        try:
            urllib.request.urlopen(address, timeout=2).close()
        except urllib.error.URLError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError("the double does not answer")


@pytest.fixture
def anna() -> User:
    return person(parts=1, balance=0, now=timezone.now())


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name).click()


def balance_of(user: User) -> int:
    return standing(user, now=timezone.now()).balance


@pytest.mark.row("S12")
def test_short_of_credit_declined_paid_and_back_to_the_draft(
    page: Page, sign_in: Callable[[Page, Any], None], anna: User, stripe: str
) -> None:
    sign_in(page, anna)
    page.goto("/sms/")
    for number in ("0475 12 34 56", "0476 11 12 22"):
        page.get_by_label("Mobile", exact=True).fill(number)
        page.get_by_label("Mobile", exact=True).press("Enter")
        expect(page.get_by_text(f"+32 {number[1:]}")).to_be_visible()
    with page.expect_response("**/sms/quote/"):  # which keeps what is typed
        page.get_by_label("Message", exact=True).fill("See you at 9")
    page.get_by_role("link", name="Top up").click()
    page.get_by_text("€25.00").click()
    axe(page)
    press(page, "Pay by card")
    expect(page.get_by_text("No card is charged")).to_be_visible()
    assert page.url.startswith(stripe)
    axe(page)
    press(page, "Pay with a card that is declined")
    expect(page.get_by_text("The card was declined.")).to_be_visible()
    assert balance_of(anna) == 0
    press(page, "Cancel")
    expect(page.get_by_role("heading", name="You have not paid yet")).to_be_visible()
    axe(page)
    press(page, "Pay it after all")
    press(page, "3-D Secure")
    press(page, "It is me: pay")
    expect(page.get_by_role("heading", name="€25.00 was added to your balance")).to_be_visible()
    axe(page)
    assert balance_of(anna) == 250_000
    page.get_by_role("link", name="Go on where you were").click()
    expect(page.get_by_label("Message", exact=True)).to_have_value("See you at 9")
    press(page, "Send")
    expect(page.get_by_role("heading", name="Sending")).to_be_visible()
    assert balance_of(anna) == 250_000 - 950
    assert list(books.check()) == []


def test_confirmed_by_the_event_while_one_waits_and_credited_once(
    desk_page: Page, sign_in: Callable[[Page, Any], None], anna: User, stripe: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkout, "ask", lambda *_asked, **_clock: None)  # Stripe answers no question
    page = desk_page
    sign_in(page, anna)
    page.goto(BALANCE)
    page.get_by_label("Another amount").fill("12,50")
    press(page, "Pay by card")
    press(page, "Pay 12.50 EUR")
    expect(page.get_by_role("heading", name="€12.50 was added to your balance")).to_be_visible()
    assert Entry.objects.filter(kind="top_up").count() == 1
    page.get_by_role("link", name="Receipt").click()
    expect(page.locator("main").get_by_text("€12.50")).to_be_visible()
    axe(page)
    page.goto("/settings/account/statement/")
    expect(page.get_by_role("link", name="Top-up by card")).to_be_visible()
    axe(page)


def test_without_javascript_and_a_dispute_that_is_won(
    open_page: OpenPage, sign_in: Callable[[Page, Any], None], anna: User, stripe: str
) -> None:
    page = open_page(javascript=False)
    sign_in(page, anna)
    page.goto(BALANCE)
    page.get_by_label("€10.00").check()
    press(page, "Pay by card")
    press(page, "Pay 10.00 EUR")
    expect(page.get_by_role("heading", name="€10.00 was added to your balance")).to_be_visible()
    page.goto(stripe)
    press(page, "Let the card's owner dispute it")
    until(lambda: balance_of(anna) == 0)
    page.goto(stripe)
    press(page, "The office wins the dispute")
    until(lambda: balance_of(anna) == 100_000)
    assert TopUp.objects.get().refunded == 0
    assert list(books.check()) == []


def until(true: Callable[[], bool]) -> None:
    end = timezone.now() + timedelta(seconds=20)
    while not true():
        assert timezone.now() < end, "it never happened"
        time.sleep(0.1)
