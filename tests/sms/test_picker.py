"""The picker beside the form: ticked, searched and paged without JavaScript; one SMS per number however chosen."""

import html
import re
from collections.abc import Iterator

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from contacts.models import ContactNumber
from sms.models import Delivery, Draft, Message
from tests.contacts.shelves import Shelves, a_list, contact, crowd, shelves
from tests.people import give

pytestmark = [pytest.mark.django_db, pytest.mark.row("S17")]
FIELD = re.compile(r"<(input|textarea)\b([^>]*)>(?:([^<]*)</textarea>)?", re.DOTALL)
FORM = re.compile(r'<form[^>]*id="sms-form".*?</form>', re.DOTALL)


class Browser:
    """A browser without JavaScript: it posts what stands in the form, ticks included."""

    def __init__(self, books: Shelves) -> None:
        self.client = Client()
        self.client.force_login(books.anna)
        self.page = ""
        self.open("/sms/")

    def open(self, address: str) -> None:
        self.page = self.client.get(address).content.decode()

    def fields(self) -> Iterator[tuple[str, str, bool]]:
        found = FORM.search(self.page)
        assert found
        for tag, attributes, text in FIELD.findall(found.group()):
            name = re.search(r'\bname="([^"]*)"', attributes)
            value = re.search(r'\bvalue="([^"]*)"', attributes)
            said = html.unescape(text if tag == "textarea" else value.group(1) if value else "")
            box = 'type="checkbox"' in attributes
            if name and " disabled" not in attributes:
                yield name.group(1), said, not box or " checked" in attributes

    def ticks(self) -> dict[str, bool]:
        return {value: on for name, value, on in self.fields() if name == "pick"}

    def press(self, button: str, *, tick: tuple[str, ...] = (), untick: tuple[str, ...] = (), **typed: str) -> str:
        data: dict[str, list[str]] = {}
        for name, value, on in self.fields():
            if (on or (name == "pick" and value in tick)) and not (name == "pick" and value in untick):
                data.setdefault(name, []).append(value)
        data |= {name: [value] for name, value in typed.items()} | {"press": [button]}
        answer = self.client.post("/sms/", data)
        if answer.status_code == 303:
            answer = self.client.get(answer["Location"])
        self.page = answer.content.decode()
        return " ".join(html.unescape(self.page).split())


@pytest.fixture
def books() -> Shelves:
    return shelves()


@pytest.fixture
def browser(books: Shelves) -> Browser:
    return Browser(books)


def test_search_opens_the_picker_with_the_own_contacts_and_keeps_what_was_typed(books, browser):
    contact(books.own, "Jan Peeters", "+32 475 12 34 56", company="Bakkerij")
    page = browser.press("search", text="Hello you", mobile="")
    assert "Hello you" in page
    for words in ("Everybody in my own contacts", "Jan Peeters", "+32 475 12 34 56", "Bakkerij · mobile · Personal"):
        assert words in page
    assert browser.ticks() == {"my own contacts <contacts:mine>": False, "Jan Peeters <+32475123456>": False}
    assert "Jan Peeters" not in browser.press("close")


def test_a_tick_survives_searching_tabs_paging_and_closing(books, browser):
    contact(books.own, "Jan Peeters", "+32475123456")
    contact(books.shared, "Zoé Dubois", "+32476111222")
    crowd(books.own, 60)
    browser.press("search")
    browser.press("look", q="jan")
    assert set(browser.ticks()) == {"Jan Peeters <+32475123456>"}
    browser.press(f"tab:{books.shared.pk}", tick=("Jan Peeters <+32475123456>",))
    page = browser.press("look", tick=("Zoé Dubois <+32476111222>",), q="")
    browser.press(f"tab:{books.own.pk}")
    further = re.search(r'value="(page:[^"]+)"', browser.page)
    assert further
    browser.press(html.unescape(further.group(1)))
    page = browser.press("close")
    assert ("Jan Peeters" in page, "Zoé Dubois" in page, "2 people" in page) == (True, True, True)
    browser.press("search")
    page = browser.press("look", q="0475 12")
    assert browser.ticks() == {"Jan Peeters <+32475123456>": True}
    page = browser.press("pick", untick=("Jan Peeters <+32475123456>",))
    assert "1 person" in page
    assert Draft.objects.get().to == ["Zoé Dubois <+32476111222>"]


def test_enter_in_the_search_without_javascript_searches(books, browser):
    contact(books.own, "Jan Peeters", "+32475123456")
    contact(books.own, "Zoé Dubois", "+32476111222")
    browser.press("search")
    page = browser.press("add", q="dubois")
    assert ("Zoé Dubois" in page, "Jan Peeters" in page, "Type a number first" in page) == (True, False, False)


@pytest.mark.row("S19")
def test_what_cannot_be_ticked_is_there_grey_with_why_and_its_cure(books, browser):
    contact(books.own, "Jan Peeters", "0475 12 34 56")
    contact(books.own, "Land Line", "+32 2 555 12 12")
    contact(books.own, "None Nys")
    page = browser.press("search")
    assert set(browser.ticks()) == {"my own contacts <contacts:mine>"}
    for words in ("not written in international format", "This is a landline", "There is no number."):
        assert words in page
    number = ContactNumber.objects.get(typed="0475 12 34 56")
    page = browser.press(f"cure:{number.pk}:+32475123456")
    assert "+32 475 12 34 56 is saved to Jan Peeters. It can get SMS now." in page
    assert "Jan Peeters <+32475123456>" in browser.ticks()
    undo = re.search(r'value="(uncure:\d+)"', browser.page)
    assert undo
    assert "The number is as it was." in browser.press(undo.group(1))
    assert "Jan Peeters <+32475123456>" not in browser.ticks()


@pytest.mark.row("S19")
def test_a_reader_of_a_group_is_shown_why_and_offered_no_cure(books):
    zoe = contact(books.shared, "Zoé Dubois", "0476 11 12 22")
    client = Client()
    client.force_login(books.ben)
    fields = {"press": f"tab:{books.shared.pk}", "picker": "open"}
    page = client.post("/sms/", fields).content.decode()
    assert "not written in international format" in page
    assert "cure:" not in page
    stolen = fields | {"press": f"cure:{zoe.numbers.get().pk}:+32476111222"}
    assert client.post("/sms/", stolen).status_code == 404


@pytest.mark.row("S5", "N15")
def test_lists_and_groups_are_one_tick_and_say_why_somebody_gets_one_sms(books, browser):
    jan = contact(books.own, "Jan Peeters", "+32475123456")
    zoe = contact(books.shared, "Zoé Dubois", "+32476111222")
    contact(books.shared, "Land Line", "+32 2 555 12 12")
    board = a_list(books.own, "Board", jan, zoe)
    browser.press("search")
    page = browser.press(f"tab:{books.shared.pk}", tick=("Jan Peeters <+32475123456>",))
    assert 'Everybody in Team</span> <span class="muted">2 contacts' in page
    browser.press("tab:lists", tick=(f"Team <group:{books.team.pk}>",))
    page = browser.press("pick", tick=(f"Board <list:{board.pk}>",))
    assert "2 people" in page
    assert "Zoé Dubois: one SMS, via Team and Board." in page
    assert "Jan Peeters: one SMS, via the number itself and Board." in page
    assert "1 contact of these gets no SMS:" in page
    assert "This is a landline" in page
    assert Draft.objects.get().to == [
        "Jan Peeters <+32475123456>",
        f"Team <group:{books.team.pk}>",
        f"Board <list:{board.pk}>",
    ]
    page = browser.press(f"remove:Team <group:{books.team.pk}>")
    assert "via Team" not in page


@pytest.mark.row("N15")
def test_a_list_with_two_cards_of_one_number_is_named_once(books, browser):
    cards = contact(books.own, "Jan Peeters", "+32475123456"), contact(books.shared, "Jan", "+32475123456")
    board = a_list(books.own, "Board", *cards)
    page = browser.press("read", to=f"list:{board.pk}")
    assert ": one SMS, via Board." in page


@pytest.mark.row("S5")
def test_a_send_to_lists_of_ten_thousand_with_overlaps_goes_out_once_per_number(books, browser):
    give(books.anna, parts=20_000, balance=0)
    people = crowd(books.own, 10_000)
    a, b = a_list(books.own, "A", *people[:7_000]), a_list(books.own, "B", *people[3_000:])
    browser.press("search")
    browser.press("tab:lists")
    page = browser.press("pick", tick=(f"A <list:{a.pk}>", f"B <list:{b.pk}>"), text="Hello")
    assert "10000 people" in page
    assert "3995 more were chosen in several ways; each gets one SMS." in page
    assert len(browser.page) < 100_000
    browser.press("send")
    message = Message.objects.get()
    assert (message.recipients, message.parts) == (10_000, 10_000)
    numbers = Delivery.objects.filter(message=message)
    assert numbers.count() == numbers.values("number").distinct().count() == 10_000
    assert numbers.get(position=0).name in {each.name for each in people[:7_000]}  # of the list that was chosen first


def test_a_list_of_thousands_is_chosen_in_as_many_statements_as_one_of_ten(books, browser):
    used = []
    for many, start in ((10, 0), (2_000, 10)):
        board = a_list(books.own, f"L{many}", *crowd(books.own, many, start=start))
        with CaptureQueriesContext(connection) as queries:
            browser.press("read", to=f"list:{board.pk}")
        used.append(len(queries))
    assert used[0] == used[1]


def test_the_first_ones_of_a_list_are_sent_and_the_others_wait_by_name(books, browser):
    people = crowd(books.own, 100)
    board = a_list(books.own, "Board", *people)
    page = browser.press("read", to=f"list:{board.pk}", text="Hello")
    payable = re.search(r"send_first:(\d+)", page)
    assert payable
    browser.press(payable.group())
    first = int(payable.group(1))
    assert Message.objects.get().recipients == first
    assert Draft.objects.get().to == [f"P{each:05} Crowd <+32470{each:06}>" for each in range(first, 100)]


def test_a_list_that_is_gone_or_anothers_needs_a_hand_and_stops_send(books, browser):
    theirs = a_list(books.own, "Board", contact(books.own, "Jan", "+32475123456"))
    client = Client()
    client.force_login(books.carla)
    answer = client.post("/sms/", {"to": f"list:{theirs.pk}\n+32475999999", "text": "Hi", "press": "send"})
    page = html.unescape(answer.content.decode())
    assert answer.status_code == 422
    assert "There is no such list or group for you any more." in page
    assert "Board" not in page
    assert not Message.objects.exists()


def test_what_is_ticked_by_hand_written_number_is_known(books, browser):
    contact(books.own, "Jan Peeters", "+32475123456")
    browser.press("add", mobile="0475 12 34 56")
    browser.press("search")
    assert browser.ticks()["Jan Peeters <+32475123456>"]
    page = browser.press("pick", untick=("Jan Peeters <+32475123456>",))
    assert "1 person" not in page


@pytest.mark.parametrize(
    "forged", [{"at": "x"}, {"tab": "999999"}, {"tab": "lists", "at": "é"}, {"q": "\0"}, {"seen": "a\0b"}]
)
def test_forged_fields_of_the_picker_are_no_error_of_ours(books, browser, forged):
    answer = browser.client.post("/sms/", {"picker": "open", "press": "pick"} | forged)
    assert answer.status_code in (200, 422)


@pytest.mark.row("S18")
def test_a_number_or_a_list_in_the_address_is_on_the_form_under_its_name(books, browser):
    board = a_list(books.own, "Board", contact(books.own, "Jan", "+32475123456"))
    browser.open("/sms/?to=%2B32475123456&name=Jan%20%26%20Zo%C3%A9")
    assert "Jan &amp; Zoé" in browser.page
    browser.open(f"/sms/?to=list:{board.pk}&name=Board")
    assert "Board" in browser.page
    assert "1 number" in browser.page


def test_a_number_that_is_opened_again_is_said_to_be_there(books, browser):
    browser.open("/sms/?to=%2B32475123456&name=Jan")
    browser.press("read")
    browser.open("/sms/?to=%2B32475123456&name=Jan")
    assert "is already there" in browser.page
