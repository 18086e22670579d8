"""From the address book to the telephone in a real browser: pick, cure, check up, click (S17, S18, S19, N3)."""

import os
from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from contacts.models import ContactNumber, User
from sms.models import Delivery, Draft
from tests.browser import OpenPage, axe
from tests.contacts.shelves import Shelves, a_list, contact, crowd, shelves
from tests.journeys.test_sending import button, field, tab_to

SignIn = Callable[[Page, Any], None]
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def books() -> Shelves:
    made = shelves(now=timezone.now())
    User.objects.filter(pk=made.anna.pk).update(signature="Anna")
    return made


@pytest.mark.row("S17", "N15")
def test_by_keyboard_people_and_a_list_are_picked_and_each_gets_one_sms(
    page: Page, sign_in: SignIn, books: Shelves
) -> None:
    jan = contact(books.own, "Jan Peeters", "+32475123456", company="Bakkerij")
    zoe = contact(books.shared, "Zoé Dubois", "+32476111222")
    a_list(books.own, "Board", jan, zoe)
    crowd(books.own, 60)
    sign_in(page, books.anna)
    page.goto("/sms/")
    field(page, "Message").fill("See you at 9")
    tab_to(page, button(page, "Search"))
    page.keyboard.press("Enter")
    search = field(page, "Name, company or number")
    expect(search).to_be_focused()
    expect(field(page, "Message")).to_have_value("See you at 9")
    axe(page)
    page.keyboard.type("0475/12")
    expect(page.locator(".picker-list > li")).to_have_count(1)
    expect(search).to_be_focused()
    tick = page.get_by_role("checkbox", name="Jan Peeters")
    tab_to(page, tick)
    page.keyboard.press("Space")
    expect(page.locator(".sms-good li")).to_have_count(1)
    expect(tick).to_be_focused()
    expect(page.locator("#sms-cost")).to_contain_text("1 person")
    search.fill("")
    expect(page.locator(".picker-list > li").nth(3)).to_be_visible()
    button(page, "Lists").click()
    page.get_by_role("checkbox", name="Board").check()
    expect(page.locator(".sms-chosen li")).to_have_count(1)
    expect(page.locator("#sms-cost")).to_contain_text("2 people")
    expect(page.get_by_text("Jan Peeters: one SMS, via the number itself and Board.")).to_be_visible()
    axe(page)
    button(page, "Close").click()
    expect(page.locator("#sms-picker")).to_be_hidden()
    button(page, "Send").click()
    page.wait_for_url("**/sms/*-*/")
    assert sorted(Delivery.objects.values_list("number", "name")) == [
        ("+32475123456", "Jan Peeters"),
        ("+32476111222", "Zoé Dubois"),
    ]


@pytest.mark.row("S17")
def test_the_picker_stands_beside_the_form_at_a_desk_and_below_the_recipients_on_a_phone(
    page: Page, sign_in: SignIn, books: Shelves
) -> None:
    contact(books.own, "Jan Peeters", "+32475123456")
    contact(books.own, "Els Janssens", "0476 11 12 22")
    sign_in(page, books.anna)
    page.goto("/sms/")
    button(page, "Search").click()
    expect(page.locator(".picker-list")).to_be_visible()
    picker, text = page.locator("#sms-picker").bounding_box(), field(page, "Message").bounding_box()
    assert picker
    assert text
    if page.viewport_size and page.viewport_size["width"] > 1000:
        assert picker["x"] >= text["x"] + text["width"]
    else:
        assert picker["y"] + picker["height"] <= text["y"]
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    picture(page, "picker")


@pytest.mark.row("S17", "S19")
def test_a_grey_number_is_cured_in_the_picker_and_then_ticked(page: Page, sign_in: SignIn, books: Shelves) -> None:
    contact(books.own, "Els Janssens", "0476 11 12 22")
    sign_in(page, books.anna)
    page.goto("/sms/")
    button(page, "Search").click()
    expect(page.get_by_text("This number is not written in international format.")).to_be_visible()
    expect(page.get_by_role("checkbox", name="Els Janssens, 0476 11 12 22: cannot be ticked")).to_be_disabled()
    button(page, "Save +32 476 11 12 22 to Els Janssens").click()
    expect(page.get_by_text("is saved to Els Janssens. It can get SMS now.")).to_be_visible()
    page.get_by_role("checkbox", name="Els Janssens").check()
    expect(page.locator(".sms-good li")).to_have_count(1)
    axe(page)


@pytest.mark.row("S17")
def test_picking_works_without_javascript(open_page: OpenPage, sign_in: SignIn, books: Shelves) -> None:
    contact(books.own, "Jan Peeters", "+32475123456")
    contact(books.own, "Els Janssens", "+32476111222")
    page = open_page(javascript=False)
    sign_in(page, books.anna)
    page.goto("/sms/")
    field(page, "Message").fill("Hello")
    button(page, "Search").click()
    page.get_by_role("checkbox", name="Jan Peeters").check()
    field(page, "Name, company or number").fill("janssens")
    page.keyboard.press("Enter")
    page.get_by_role("checkbox", name="Els Janssens").check()
    button(page, "Use what is ticked").click()
    expect(page.locator(".sms-good li")).to_have_count(2)
    expect(field(page, "Message")).to_have_value("Hello")
    assert Draft.objects.get().to == ["Jan Peeters <+32475123456>", "Els Janssens <+32476111222>"]


@pytest.mark.row("S18", "S4", "S19")
def test_a_click_on_a_mobile_number_opens_the_form_and_another_shows_its_cure(
    page: Page, sign_in: SignIn, books: Shelves
) -> None:
    contact(books.own, "Jan Peeters", "+32 475 12 34 56", "0476 11 12 22", company="Bakkerij Peeters")
    sign_in(page, books.anna)
    page.goto("/contacts/")
    axe(page)
    picture(page, "book")
    page.get_by_role("link", name="Jan Peeters").click()
    axe(page)
    picture(page, "card")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    expect(page.get_by_role("link", name="0476 11 12 22")).to_have_count(0)
    button(page, "Save +32 476 11 12 22 to Jan Peeters").click()
    expect(page.get_by_role("status").first).to_contain_text("It can get SMS now.")
    button(page, "Undo").click()
    assert ContactNumber.objects.filter(typed="0476 11 12 22").exists()
    page.goto("/contacts/")
    page.get_by_role("link", name="Jan Peeters").click()
    page.get_by_role("article").get_by_role("link", name="+32 475 12 34 56").click()
    expect(page.locator(".sms-good")).to_contain_text("Jan Peeters")
    expect(page.locator(".sms-good")).to_contain_text("+32 475 12 34 56")


@pytest.mark.row("S19", "N3")
def test_the_check_up_shows_repairs_together_and_undoes(page: Page, sign_in: SignIn, books: Shelves) -> None:
    for each in range(7):
        contact(books.own, f"Jan {each}", f"0475 12 34 5{each}")
    contact(books.own, "Land Line", "+32 2 555 12 12")
    sign_in(page, books.anna)
    page.goto("/contacts/check-up/")
    expect(page.get_by_text("8 numbers cannot get SMS. 7 can be repaired now.")).to_be_visible()
    axe(page)
    picture(page, "check-up")
    button(page, "Write it in international format: repair all 7").click()
    expect(page.get_by_text("1 number cannot get SMS.")).to_be_visible()
    axe(page)
    button(page, "Undo").click()
    expect(page.get_by_text("8 numbers cannot get SMS. 7 can be repaired now.")).to_be_visible()


def test_a_contact_is_added_searched_as_one_types_and_deleted_with_a_way_back(
    page: Page, sign_in: SignIn, books: Shelves
) -> None:
    crowd(books.own, 55)
    sign_in(page, books.anna)
    page.goto("/contacts/new/")
    axe(page)
    picture(page, "new")
    field(page, "First name").fill("Jan")
    field(page, "Last name").fill("Peeters")
    field(page, "Number").first.fill("0475 12 34 56")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Jan Peeters")).to_be_visible()
    page.goto("/contacts/")
    expect(page.locator(".contact-rows > li")).to_have_count(50)
    page.get_by_role("link", name="Next").click()
    expect(page.locator(".contact-rows > li")).to_have_count(6)
    page.wait_for_load_state()
    field(page, "Name, company or number").type("0475/12")
    expect(page.locator(".contact-rows > li")).to_have_count(1)
    assert "q=0475" in page.url
    page.get_by_role("link", name="Jan Peeters").click()
    button(page, "Delete").last.click()
    expect(page.get_by_text("One contact deleted.")).to_be_visible()
    axe(page)
    button(page, "Undo").click()
    expect(page.get_by_text("One contact is back.")).to_be_visible()


def test_lists_and_groups_are_clean(page: Page, sign_in: SignIn, books: Shelves) -> None:
    a_list(books.own, "Board", contact(books.own, "Jan Peeters", "+32475123456"))
    sign_in(page, books.anna)
    for address in ("lists/", "groups/", f"groups/{books.team.pk}/"):
        page.goto(f"/contacts/{address}")
        axe(page)
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        picture(page, address.split("/")[0] + ("-one" if address[-2].isdigit() else ""))
    page.goto("/help/contacts/")
    axe(page)


def picture(page: Page, name: str) -> None:
    folder = os.environ.get("PICTURES")
    if folder and page.viewport_size:
        page.screenshot(path=f"{folder}/{name}-{page.viewport_size['width']}.png", full_page=True)
