"""The source's own steps in a real browser: welcome page, SMS, Mobile, Add, message, Send, by keyboard only (S16)."""

import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from playwright.sync_api import Locator, Page, Route, expect

from contacts.models import User
from sms import dispatch, submission
from sms.gateways import configured
from sms.models import Delivery, Draft, Message
from tests.browser import DESK, PHONE, OpenPage, axe
from tests.people import numbers, person

# PAGES.md, "Words in three languages"
WORDS = {
    "en": {"sms": "SMS", "mobile": "Mobile", "add": "Add", "message": "Message", "send": "Send"},
    "nl": {"sms": "SMS", "mobile": "Mobiel", "add": "Toevoegen", "message": "Mededeling", "send": "Versturen"},
    "fr": {"sms": "SMS", "mobile": "Mobile", "add": "Ajouter", "message": "Message", "send": "Envoyer"},
}
LEFT = {"en": "left our system", "nl": "heeft ons systeem verlaten", "fr": "a quitté notre système"}
TABS = 60
PATIENCE = 10  # seconds
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def memory(settings: Any) -> Any:
    settings.SMS_GATEWAYS = {"memory": {"BACKEND": "sms.gateways.memory.Memory", "OPTIONS": {}}}
    return configured.gateway("memory")


@pytest.fixture
def anna() -> User:
    return person(signature="Anna", balance=100_000_000, now=timezone.now())


@pytest.fixture(params=[PHONE[0], DESK[0]])
def plain_page(request: pytest.FixtureRequest, open_page: OpenPage) -> Page:
    """A page of a browser without JavaScript, on a telephone and at a desk."""
    return open_page(width=request.param, javascript=False)


def drain(after: timedelta = submission.FORM_DELAY) -> int:
    """Hand over what is due `after` now, beside the browser's own loop."""

    def in_a_thread() -> int:
        try:
            return dispatch.drain("memory", clock=lambda: timezone.now() + after)
        finally:
            connection.close()

    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(in_a_thread).result()


def tab_to(page: Page, wanted: Locator) -> None:
    """Go to `wanted` by the Tab key, as somebody without a mouse does."""
    for _ in range(TABS):
        if wanted.evaluate("element => element === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"not reached by {TABS} tabs: {wanted}")


def field(page: Page, label: str) -> Locator:
    return page.get_by_label(label, exact=True)


def button(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=name, exact=True)


def in_language(user: User, language: str) -> dict[str, str]:
    User.objects.filter(pk=user.pk).update(language=language)
    return WORDS[language]


@pytest.mark.row("S16", "S3", "N13")
@pytest.mark.parametrize("language", ["nl", "fr", "en"])
def test_by_keyboard_from_the_welcome_page_to_the_handset(
    page: Page, sign_in: Callable[[Page, Any], None], anna: User, memory: Any, language: str
) -> None:
    words = in_language(anna, language)
    sign_in(page, anna)
    page.goto("/")
    axe(page)
    tab_to(page, page.locator("main").get_by_role("link", name=words["sms"], exact=True))
    page.keyboard.press("Enter")
    expect(field(page, words["mobile"])).to_be_focused()
    assert page.url.endswith("/")
    page.keyboard.type("0475 12 34 56")
    page.keyboard.press("Enter")
    expect(page.get_by_text("+32 475 12 34 56")).to_be_visible()
    expect(field(page, words["mobile"])).to_be_focused()
    page.keyboard.type("32 476 111222")
    tab_to(page, button(page, words["add"]))
    page.keyboard.press("Enter")
    expect(page.get_by_text("+32 476 11 12 22")).to_be_visible()
    tab_to(page, field(page, words["message"]))
    page.keyboard.type("See you at 9")
    expect(page.locator("[data-sms-counter]")).to_have_text("17/160")
    expect(page.locator(".sms-pockets")).to_contain_text("28")
    axe(page)
    tab_to(page, button(page, words["send"]))
    page.keyboard.press("Enter")
    page.wait_for_url("**/sms/*-*/")
    axe(page)
    assert list(Delivery.objects.values_list("number", flat=True)) == ["+32475123456", "+32476111222"]
    assert drain() == 2
    expect(page.locator("#sms-live summary").first).to_contain_text(LEFT[language])
    assert [arrival.text for arrival in memory.arrivals()] == ["See you at 9\nAnna"] * 2
    axe(page)


@pytest.mark.row("S16")
@pytest.mark.parametrize("language", ["nl", "fr", "en"])
def test_the_same_without_javascript(
    plain_page: Page, sign_in: Callable[[Page, Any], None], anna: User, memory: Any, language: str
) -> None:
    words = in_language(anna, language)
    page = plain_page
    sign_in(page, anna)
    page.goto("/")
    page.locator("main").get_by_role("link", name=words["sms"], exact=True).click()
    page.wait_for_url("**/sms/")
    page.keyboard.type("0475 12 34 56")  # the cursor stands in Mobile
    with page.expect_navigation():  # a page puts the cursor where it belongs when it has loaded
        page.keyboard.press("Enter")
    expect(page.get_by_text("+32 475 12 34 56")).to_be_visible()
    field(page, words["message"]).fill("See you at 9")
    field(page, words["mobile"]).fill("32 476 111222")
    button(page, words["send"]).click()
    page.wait_for_url("**/sms/*-*/")
    assert list(Delivery.objects.values_list("number", flat=True)) == ["+32475123456", "+32476111222"]
    assert drain() == 2
    page.reload()
    expect(page.locator("#sms-live summary").first).to_contain_text(LEFT[language])


@pytest.mark.row("N13", "N4")
def test_one_changes_ones_mind_within_ten_seconds_and_goes_on_writing(
    page: Page, sign_in: Callable[[Page, Any], None], anna: User, memory: Any
) -> None:
    sign_in(page, anna)
    page.goto("/sms/?to=%2B32475123456")
    field(page, "Message").fill("Too early")
    button(page, "Send").click()
    button(page, "Cancel").click()
    expect(page.locator("#sms-where")).to_contain_text("Cancelled")
    axe(page)
    button(page, "Edit and send again").click()
    expect(field(page, "Message")).to_have_value("Too early")
    expect(page.get_by_text("+32 475 12 34 56")).to_be_visible()
    assert drain() == 0
    assert memory.arrivals() == []


@pytest.mark.row("S16")
def test_a_double_click_sends_once(page: Page, sign_in: Callable[[Page, Any], None], anna: User, memory: Any) -> None:
    sign_in(page, anna)
    page.goto("/sms/?to=%2B32475123456")
    field(page, "Message").fill("Once")
    button(page, "Send").dblclick()
    page.wait_for_url("**/sms/*-*/")
    expect(page.locator("#sms-live")).to_be_visible()  # the form, with both its clicks, is gone
    page.go_back(wait_until="domcontentloaded")
    expect(field(page, "Message")).to_be_visible()
    page.reload(wait_until="domcontentloaded")
    expect(field(page, "Message")).to_be_visible()
    assert Message.objects.count() == 1


@pytest.mark.row("N1", "S16")
def test_what_the_counter_showed_while_one_typed_is_not_asked_again(
    page: Page, sign_in: Callable[[Page, Any], None], anna: User, memory: Any
) -> None:
    sign_in(page, anna)
    page.goto("/sms/?to=%2B32475123456")
    page.route("**/sms/quote/", lambda route: route.abort())  # Send comes before the line of costs
    field(page, "Message").fill("a" * 400 + "ê")
    expect(page.locator("[data-sms-each]")).to_have_text("7 SMS each")
    button(page, "Send").click()
    page.wait_for_url("**/sms/*-*/")
    assert Message.objects.get().parts_each == 7


@pytest.mark.row("N1", "S16")
def test_without_javascript_a_cost_that_never_stood_there_is_shown_first(
    plain_page: Page, sign_in: Callable[[Page, Any], None], anna: User, memory: Any
) -> None:
    page = plain_page
    sign_in(page, anna)
    page.goto("/sms/?to=%2B32475123456")
    field(page, "Message").fill("a" * 400 + "ê")
    button(page, "Send").click()
    expect(page.locator("#sms-trouble")).to_contain_text("This is what it costs.")
    expect(page.locator("[data-sms-each]")).to_have_text("7 SMS each")
    assert Message.objects.count() == 0
    button(page, "Send").click()
    page.wait_for_url("**/sms/*-*/")


@pytest.mark.row("S16")
def test_a_list_too_large_for_one_go_is_said_and_stays(
    desk_page: Page, sign_in: Callable[[Page, Any], None], anna: User
) -> None:
    sign_in(desk_page, anna)
    desk_page.goto("/sms/")
    desk_page.evaluate("document.getElementById('id_mobile').value = 'x'.repeat(5 * 1024 * 1024 + 1)")
    button(desk_page, "Add").click()
    expect(desk_page.locator("#refused")).to_contain_text("more than the office takes at once")
    assert desk_page.evaluate("document.getElementById('id_mobile').value.length") == 5 * 1024 * 1024 + 1


@pytest.mark.row("S16")
def test_who_was_signed_out_meanwhile_is_told_and_keeps_what_was_typed(
    desk_page: Page, sign_in: Callable[[Page, Any], None], anna: User
) -> None:
    sign_in(desk_page, anna)
    desk_page.goto("/sms/")
    desk_page.context.clear_cookies(name="sessionid")
    desk_page.get_by_label("Mobile").fill("0475 12 34 56")
    button(desk_page, "Add").click()
    expect(desk_page.locator("#refused")).to_contain_text("Copy what you typed")
    assert desk_page.get_by_label("Mobile").input_value() == "0475 12 34 56"
    assert desk_page.locator("main").count() == 1


@pytest.mark.row("S16")
def test_a_message_field_drawn_larger_breaks_no_policy_when_the_answer_comes(
    desk_page: Page, sign_in: Callable[[Page, Any], None], anna: User
) -> None:
    sign_in(desk_page, anna)
    desk_page.goto("/sms/")
    desk_page.evaluate("document.getElementById('id_text').style.height = '300px'")
    button(desk_page, "Send").click()
    expect(desk_page.get_by_text("Write a message.")).to_be_visible()


@pytest.mark.row("S16")
def test_what_one_takes_out_or_cures_with_a_finger_is_44_pixels(
    phone_page: Page, sign_in: Callable[[Page, Any], None], anna: User
) -> None:
    sign_in(phone_page, anna)
    User.objects.filter(pk=anna.pk).update(country="DE")
    phone_page.goto("/sms/?to=32%20475%20123456")
    expect(phone_page.locator(".sms-cure")).to_be_visible()
    boxes = [button.bounding_box() for button in phone_page.locator(".chip button").all()]
    assert len(boxes) > 1
    assert all(box and box["height"] >= 44 and box["width"] >= 44 for box in boxes)


@pytest.mark.row("S16")
def test_numbers_typed_faster_than_answers_come_are_all_there(
    desk_page: Page, sign_in: Callable[[Page, Any], None], anna: User
) -> None:
    sign_in(desk_page, anna)
    desk_page.goto("/sms/")
    for number in numbers(8):
        desk_page.keyboard.type(number)
        desk_page.keyboard.press("Enter")
    desk_page.keyboard.type("0475")
    expect(desk_page.locator(".sms-good li")).to_have_count(8)
    expect(desk_page.locator(".sms-bad")).to_have_count(0)
    expect(field(desk_page, "Mobile")).to_have_value("0475")


@pytest.mark.row("S16")
def test_an_answer_that_comes_while_one_types_elsewhere_leaves_the_keys_there(
    desk_page: Page, sign_in: Callable[[Page, Any], None], anna: User
) -> None:
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    sign_in(desk_page, anna)
    desk_page.goto("/sms/")
    desk_page.route(re.compile("/sms/$"), hold)
    field(desk_page, "Mobile").fill("0475 12 34 56")
    field(desk_page, "Mobile").press("Enter")
    field(desk_page, "Message").type("See you ")
    expect(desk_page.locator(".sms-good li")).to_have_count(0)
    held.pop().continue_()
    expect(desk_page.locator(".sms-good li")).to_have_count(1)
    desk_page.keyboard.type("at 9")
    expect(field(desk_page, "Message")).to_have_value("See you at 9")
    expect(field(desk_page, "Mobile")).to_have_value("")


@pytest.mark.row("S5")
def test_ten_thousand_are_pasted_sent_and_followed(
    desk_page: Page, sign_in: Callable[[Page, Any], None], anna: User, memory: Any
) -> None:
    sign_in(desk_page, anna)
    desk_page.goto("/sms/")
    paste(desk_page, "\n".join(numbers(10_000)))
    expect(desk_page.get_by_text("and 9950 more")).to_be_visible()
    field(desk_page, "Message").fill("To all")
    expect(desk_page.locator("#sms-cost")).to_contain_text("10000 SMS: 30 from this month's allowance")
    button(desk_page, "Send").click()
    desk_page.wait_for_url("**/sms/*-*/")
    axe(desk_page)
    assert drain() == 10_000
    expect(desk_page.locator("#sms-where")).to_contain_text("have left our system", timeout=20_000)
    expect(desk_page.locator(".sms-rows > li")).to_have_count(100)
    desk_page.get_by_role("link", name="The next ones").click()
    expect(desk_page.locator("#sms-row-100")).to_be_visible()


@pytest.mark.row("N3", "S3")
def test_what_is_wrong_takes_the_focus_and_the_title_says_so(
    page: Page, sign_in: Callable[[Page, Any], None], anna: User
) -> None:
    User.objects.filter(pk=anna.pk).update(country="DE")
    sign_in(page, anna)
    page.goto("/sms/")
    button(page, "Send").click()
    expect(page).to_have_title("2 errors: Write an SMS · Office")
    expect(field(page, "Mobile")).to_be_focused()
    axe(page)
    page.keyboard.type("32 475 123456")
    page.keyboard.press("Enter")
    field(page, "Message").fill("Hello")
    cure = page.locator(".sms-cure")
    expect(cure).to_be_visible()
    button(page, "Send").click()
    expect(page).to_have_title("1 error: Write an SMS · Office")
    expect(page.locator(".sms-bad button").first).to_be_focused()
    axe(page)
    tab_to(page, cure)
    page.keyboard.press("Enter")
    expect(page.locator(".sms-good li")).to_have_count(1)
    button(page, "Send").click()
    expect(page.get_by_text("You have not sent SMS to Belgium before.")).to_be_visible()
    axe(page)
    button(page, "Send").click()
    page.wait_for_url("**/sms/*-*/")


@pytest.mark.row("S16")
def test_what_is_half_written_is_there_again(page: Page, sign_in: Callable[[Page, Any], None], anna: User) -> None:
    sign_in(page, anna)
    page.goto("/sms/")
    with page.expect_response("**/sms/quote/"):
        field(page, "Message").type("Half a sentence")
    page.goto("/sms/history/")
    page.goto("/sms/")
    expect(field(page, "Message")).to_have_value("Half a sentence")
    button(page, "Start anew").click()
    expect(field(page, "Message")).to_have_value("")


@pytest.mark.row("S16")
def test_the_last_letters_before_one_leaves_are_kept_too(
    desk_page: Page, sign_in: Callable[[Page, Any], None], anna: User
) -> None:
    sign_in(desk_page, anna)
    desk_page.goto("/sms/")
    desk_page.evaluate("document.addEventListener('htmx:confirm', (event) => event.preventDefault())")  # no quote
    field(desk_page, "Message").fill("Off at once")
    desk_page.get_by_role("link", name="History").first.click()
    desk_page.wait_for_url("**/sms/history/")
    deadline = time.monotonic() + PATIENCE
    while not (kept := Draft.objects.filter(user=anna, text="Off at once").exists()) and time.monotonic() < deadline:
        desk_page.wait_for_timeout(50)
    assert kept


@pytest.mark.row("N8")
def test_costly_characters_are_replaced_at_a_click(
    page: Page, sign_in: Callable[[Page, Any], None], anna: User
) -> None:
    sign_in(page, anna)
    page.goto("/sms/?to=%2B32475123456")
    field(page, "Message").fill("Fenêtre " + "a" * 100)
    expect(page.locator("#sms-cost mark")).to_have_text("ê")
    axe(page)
    button(page, "Replace, saves 1 SMS").click()
    expect(field(page, "Message")).to_have_value("Fenetre " + "a" * 100)
    expect(field(page, "Message")).to_be_focused()


@pytest.mark.row("S20")
def test_the_history_is_searched_as_one_types_and_opens_the_life_line(
    page: Page, sign_in: Callable[[Page, Any], None], anna: User, memory: Any
) -> None:
    for text, number in (("One", "+32475123456"), ("Other", "+32476111222")):
        to = [submission.Recipient(number)]
        submission.submit(submission.Request(anna, text, to, "form", text), now=timezone.now())
    drain()
    sign_in(page, anna)
    page.goto("/sms/history/")
    axe(page)
    rows = page.locator(".sms-history > li")
    expect(rows).to_have_count(2)
    field(page, "Name, number or words").type("0476 11")
    expect(rows).to_have_count(1)
    assert "q=0476" in page.url
    axe(page)
    rows.get_by_role("link").click()
    expect(page.get_by_text("under its reference")).to_be_visible()


def paste(page: Page, text: str) -> None:
    """Paste `text` where the cursor is, as the clipboard's own event says it."""
    page.evaluate(
        """text => {
            const data = new DataTransfer();
            data.setData("text/plain", text);
            document.activeElement.dispatchEvent(
                new ClipboardEvent("paste", {clipboardData: data, bubbles: true, cancelable: true}));
        }""",
        text,
    )
