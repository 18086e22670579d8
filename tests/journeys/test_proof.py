"""In a real browser: the sheet that proves a departure, its check by a stranger, and the failed ones sent again."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.utils import timezone
from playwright.sync_api import Page, expect

from contacts.models import User
from sms import dispatch, submission
from sms.gateways import configured
from sms.models import Delivery, Message
from sms.submission import Recipient, Request
from tests.browser import PHONE, OpenPage, aside, axe
from tests.people import person

WORDS = {
    "en": {"proof": "Proof of departure", "number": "Number, from the country code on", "text": "Text",
           "compare": "Compare", "genuine": "This proof is genuine", "both": "Both are as our records have them."},
    "nl": {"proof": "Bewijs van vertrek", "number": "Nummer, vanaf het landnummer", "text": "Tekst",
           "compare": "Vergelijken", "genuine": "Dit bewijs is echt", "both": "Beide zijn zoals ze bij ons staan."},
    "fr": {"proof": "Preuve de départ", "number": "Numéro, à partir de l'indicatif du pays", "text": "Texte",
           "compare": "Comparer", "genuine": "Cette preuve est authentique",
           "both": "Les deux sont tels que dans nos registres."},
}  # fmt: skip
TEXT = "Afspraak om 9 u.\nTot dan"
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def nobody_has_checked_yet() -> None:
    cache.clear()


@pytest.fixture
def memory(settings: Any, live_server: Any) -> Any:
    settings.BASE_URL = live_server.url
    settings.SMS_GATEWAYS = {"memory": {"BACKEND": "sms.gateways.memory.Memory", "OPTIONS": {}}}
    return configured.gateway("memory")


@pytest.fixture
def anna() -> User:
    return person(now=timezone.now())


def drain() -> int:
    def in_a_thread() -> int:
        try:
            return dispatch.drain("memory", clock=lambda: timezone.now() + submission.FORM_DELAY)
        finally:
            connection.close()

    return aside(in_a_thread)


def fits(page: Page) -> None:
    """Nothing is wider than the screen, once the style sheets are there."""
    page.wait_for_load_state()
    wide = "[...document.querySelectorAll('main *')].filter(e => e.getBoundingClientRect().right > innerWidth + 1)"
    assert page.evaluate(f"{wide}.map(element => element.outerHTML.slice(0, 100))") == []


def send(user: User, *numbers: str, text: str = TEXT) -> Message:
    to = [Recipient(number, name="Jan Peeters") for number in numbers]
    message = submission.submit(Request(user, text, to, "form", text[:60]), now=timezone.now()).message
    drain()
    return message


@pytest.mark.row("N2", "S20")
@pytest.mark.usefixtures("memory")
@pytest.mark.parametrize("language", ["nl", "fr", "en"])
def test_a_stranger_checks_the_sheet(
    page: Page, open_page: OpenPage, sign_in: Callable[[Page, Any], None], anna: User, language: str
) -> None:
    words = WORDS[language]
    User.objects.filter(pk=anna.pk).update(language=language)
    message = send(anna, "+32470123456")
    sign_in(page, anna)
    page.goto(f"/sms/{message.pk}/")
    page.get_by_role("link", name=words["proof"]).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(words["proof"])
    expect(page.locator(".proof-text")).to_have_text(TEXT)
    fits(page)
    axe(page)
    address = page.locator(".proof-address").inner_text()

    stranger = open_page(width=page.viewport_size["width"], language=language)
    stranger.goto(address)
    expect(stranger.get_by_role("heading", level=1)).to_have_text(words["genuine"])
    expect(stranger.get_by_text("Tot dan")).to_have_count(0)
    fits(stranger)
    axe(stranger)
    stranger.get_by_label(words["number"]).fill("+32 470 12 34 56")
    stranger.get_by_label(words["text"], exact=True).fill(TEXT)
    stranger.get_by_role("button", name=words["compare"]).click()
    expect(stranger.locator(":focus")).to_contain_text(words["both"])
    axe(stranger)


@pytest.mark.row("N2")
def test_the_sheet_of_the_longest_text_fits_on_one_a4(
    desk_page: Page, sign_in: Callable[[Page, Any], None], anna: User, memory: Any
) -> None:
    message = send(anna, "+32470123456", text="A sentence of some length. " * 56)
    sign_in(desk_page, anna)
    desk_page.goto(f"/sms/{message.pk}/proof/{message.deliveries.get().pk}/")
    pdf = desk_page.pdf(prefer_css_page_size=True)
    assert pdf.count(b"/Type /Page\n") == 1
    desk_page.emulate_media(media="print")
    for hidden in (".top", ".tools", ".proof-ways"):
        expect(desk_page.locator(hidden)).to_be_hidden()


@pytest.mark.row("N13")
@pytest.mark.parametrize("javascript", [True, False])
def test_the_failed_ones_go_again_to_a_corrected_number(
    open_page: OpenPage, sign_in: Callable[[Page, Any], None], anna: User, memory: Any, javascript: bool
) -> None:
    memory.play(["accept", "refuse", "refuse"])
    message = send(anna, "+32470000001", "+32470000002", "+32470000003")
    page = open_page(width=PHONE[0], height=PHONE[1], javascript=javascript)
    sign_in(page, anna)
    page.goto(f"/sms/{message.pk}/")
    page.get_by_role("link", name="Send again the 2 that failed").click()
    field = page.get_by_label("Number, instead of +32 470 00 00 02")
    field.fill("+32 2 555 12 12")
    field.press("Enter")
    expect(page.get_by_label("Number, instead of +32 470 00 00 02")).to_have_attribute("aria-invalid", "true")
    if javascript:
        axe(page)
    field.fill("0475 11 22 33")
    expect(page.locator(".sms-cost")).to_contain_text("from this month's allowance")
    page.get_by_role("button", name="Send again", exact=True).click()
    page.wait_for_url(lambda url: url.endswith("/") and str(message.pk) not in url)
    again = Delivery.objects.exclude(message=message).order_by("position")
    assert list(again.values_list("number", flat=True)) == ["+32475112233", "+32470000003"]
    assert drain() == 2
    assert [arrival.text for arrival in memory.arrivals()] == [TEXT] * 3
    page.get_by_role("link", name="This is an earlier SMS, sent again.").click()
    expect(page.get_by_role("link", name="Sent again to 2 people")).to_be_visible()
    if javascript:
        axe(page)
