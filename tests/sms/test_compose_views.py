"""The SMS form as a server sees it: each button a posted `press`, and nothing typed is ever lost."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from contacts.models import User
from credit import books as credit_books
from credit.charging import Adjustment, account_of, adjust
from credit.limit_models import BlockedNumber, Limit, RefusedRange
from sms import books, submission
from sms.models import Delivery, Draft, Message
from tests.people import numbers, person

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}
HIDDEN = re.compile(r'<input type="hidden" name="(token|shown|people|parts_each|confirmed)" value="([^"]*)"')


@pytest.fixture
def anna() -> User:
    return person(signature="", now=timezone.now())


@pytest.fixture
def signed_in(anna: User) -> Client:
    client = Client()
    client.force_login(anna)
    return client


class Form:
    """The form in a browser without JavaScript: it posts what stands on the page, and the pressed button."""

    def __init__(self, client: Client, **typed: str) -> None:
        self.client = client
        self.see(client.get("/sms/"))
        self.fields |= typed

    def see(self, answer) -> None:
        self.answer = answer
        self.html = answer.content.decode()
        data = answer.context["form"].data if answer.context and "form" in answer.context else {}
        self.fields = {name: data[name] for name in ("mobile", "to", "text", "sign", "later") if data.get(name)}
        self.fields |= dict(HIDDEN.findall(self.html))

    def press(self, button: str, **typed: str):
        answer = self.client.post("/sms/", self.fields | typed | {"press": button})
        if answer.status_code != 303:
            self.see(answer)
        return answer

    def numbers(self) -> list[str]:
        return [person.reading.number for person in self.answer.context["recipients"].good]

    def errors(self) -> dict[str, list[str]]:
        return dict(self.answer.context["form"].errors)


def sent_to(answer) -> list[str]:
    message_id = answer["Location"].split("/")[-2]
    return list(Delivery.objects.filter(message=message_id).order_by("position").values_list("number", flat=True))


def assert_nothing_happened() -> None:
    assert Message.objects.count() == 0
    assert [*credit_books.check(), *books.check(now=timezone.now())] == []


@pytest.mark.row("S16", "S3")
def test_add_a_number_write_and_send(signed_in: Client, anna: User) -> None:
    form = Form(signed_in)
    form.press("add", mobile="0475 12 34 56")
    assert form.numbers() == ["+32475123456"]
    assert "+32 475 12 34 56" in form.html
    answer = form.press("send", text="See you at 9")
    assert answer.status_code == 303
    message = Message.objects.get()
    assert answer["Location"] == f"/sms/{message.pk}/"
    assert (message.text, message.from_allowance, message.occasion) == ("See you at 9", 1, "form")
    delivery = message.deliveries.get()
    assert delivery.not_before - message.created_at == submission.FORM_DELAY


@pytest.mark.row("S16")
def test_send_adds_a_number_that_is_still_in_the_field(signed_in: Client) -> None:
    form = Form(signed_in, text="Hello")
    assert sent_to(form.press("send", mobile="0475 12 34 56")) == ["+32475123456"]


@pytest.mark.row("S16", "N15")
def test_a_number_added_twice_is_already_there(signed_in: Client) -> None:
    form = Form(signed_in)
    form.press("add", mobile="0475 12 34 56")
    form.press("add", mobile="+32 475/12.34.56")
    assert form.numbers() == ["+32475123456"]
    assert "+32 475 12 34 56 is already there" in form.html


@pytest.mark.row("S5")
def test_a_paste_of_many_is_many_recipients(signed_in: Client) -> None:
    form = Form(signed_in)
    form.press("add", mobile="0475 123456, 0476 123456; Jan Peeters <+32 477 12 34 56>")
    assert form.numbers() == ["+32475123456", "+32476123456", "+32477123456"]
    assert "Jan Peeters" in form.html
    form.press("send", text="Hello")
    assert Delivery.objects.get(number="+32477123456").name == "Jan Peeters"


@pytest.mark.row("S3")
def test_a_correction_is_shown(signed_in: Client) -> None:
    form = Form(signed_in)
    form.press("add", mobile="+32 (0)475 123456")
    assert "“+32 (0)475 123456” was read as +32 475 12 34 56" in form.html


@pytest.mark.row("N3", "S3")
def test_a_number_that_may_be_two_is_asked_and_a_click_decides(signed_in: Client, anna: User) -> None:
    User.objects.filter(pk=anna.pk).update(country="DE")
    form = Form(signed_in)
    form.press("add", mobile="32 475 123456")
    assert form.numbers() == []
    value = re.search(r'name="press" value="(repair:[^"]+)"', form.html)
    assert value
    form.press(value[1])
    assert form.numbers() == ["+32475123456"]


def test_a_repair_to_what_is_no_number_does_nothing(signed_in: Client) -> None:
    form = Form(signed_in)
    form.press("add", mobile="32 475 1234")
    form.press("repair:+1900:32 475 1234")
    assert form.answer.context["recipients"].typed == ["32 475 1234"]


def test_a_bad_number_stays_with_its_reason_and_stops_send(signed_in: Client) -> None:
    form = Form(signed_in)
    form.press("add", mobile="+32475123456O")
    assert "This number contains letters" in form.html
    form.press("add", mobile="0475 12 34 56")
    answer = form.press("send", text="Hello")
    assert answer.status_code == 422
    assert list(form.errors()) == ["to"]
    assert "<title>1 error:" in form.html
    assert_nothing_happened()
    form.press("remove_bad")
    assert form.answer.context["recipients"].typed == ["0475 12 34 56"]


def test_one_recipient_is_taken_out(signed_in: Client) -> None:
    form = Form(signed_in)
    form.press("add", mobile="0475 123456, 0476 123456")
    form.press("remove:0475 123456")
    assert form.numbers() == ["+32476123456"]


@pytest.mark.parametrize(
    ("typed", "field", "sentence"),
    [
        ({"text": "Hello"}, "mobile", "Add at least one number."),
        ({"to": "+32475123456"}, "text", "Write a message."),
        ({"to": "+32475123456", "text": " \r\n "}, "text", "Write a message."),
        ({"to": "+32475123456", "text": "\0"}, "text", "Write a message."),
        ({"to": "+32475123456", "text": "a" * 1531}, "text", "The text takes 1531 characters; at most 1530 fit."),
        ({"to": "+32475123456", "text": "Hi", "later": "tomorrow"}, "later", "Give a day and an hour"),
        ({"to": "+32475123456", "text": "Hi", "later": "2020-01-01T10:00"}, "later", "This moment is past."),
        ({"to": "+32475123456", "text": "Hi", "later": "0001-01-01T00:00"}, "later", "Give a day and an hour"),
        ({"to": "+32475123456", "text": "Hi", "later": "2999-01-01T10:00"}, "later", "within a year"),
    ],
)
def test_what_is_wrong_stands_at_its_field_and_nothing_typed_is_lost(
    signed_in: Client, typed: dict[str, str], field: str, sentence: str
) -> None:
    form = Form(signed_in)
    answer = form.press("send", people="1", **typed)
    assert answer.status_code == 422
    assert sentence in form.errors()[field][0]
    kept = {name: value.replace("\0", "").replace("\r\n", "\n") for name, value in typed.items()}
    assert {name: form.answer.context["form"].data[name] for name in kept} == kept
    assert Draft.objects.filter(text=kept.get("text", "")).exists() is bool(kept.get("to") or kept["text"].strip())
    assert_nothing_happened()


def test_the_first_wrong_field_takes_the_focus(signed_in: Client) -> None:
    form = Form(signed_in)
    form.press("send")
    assert list(form.errors()) == ["mobile", "text"]
    assert re.search(r'<input[^>]*name="mobile"[^>]*autofocus', form.html)
    assert form.html.count("autofocus") == 1


def test_add_without_a_number_says_so(signed_in: Client) -> None:
    form = Form(signed_in)
    form.press("add")
    assert form.errors()["mobile"][0].startswith("Type a number first")


@pytest.mark.row("N1", "S12")
def test_the_quote_names_both_pockets_and_what_is_left(signed_in: Client, anna: User) -> None:
    adjust(account_of(anna), Adjustment(parts=-21, amount=0, why="test"), now=timezone.now())
    form = Form(signed_in, text="See you at 9")
    form.press("add", mobile=",".join(numbers(14)))
    line = re.sub(r"<[^>]*>", "", form.html)
    assert "12/160 · 1 SMS each · 14 people · 14 SMS: 9 from this month's allowance, 5 from your balance" in line
    assert "(€0.475) · after this: 0 and 47" in line
    form.press("send")
    message = Message.objects.get()
    assert (message.from_allowance, message.from_balance) == (9, 4750)


@pytest.mark.row("N1")
def test_the_line_of_costs_is_asked_for_alone_and_the_text_is_kept(signed_in: Client) -> None:
    form = Form(signed_in)
    typed = {"text": "é" * 160, "people": "3", "token": form.fields["token"]}
    answer = signed_in.post("/sms/quote/", typed, headers=HTMX)
    assert "3 SMS from this month&#x27;s allowance" in answer.content.decode().replace("'", "&#x27;")
    assert Draft.objects.get().text == "é" * 160


@pytest.mark.row("S12", "N1")
def test_a_changed_pocket_asks_again_instead_of_charging_differently(signed_in: Client, anna: User) -> None:
    form = Form(signed_in, text="See you at 9")
    form.press("add", mobile="0475 12 34 56")
    adjust(account_of(anna), Adjustment(parts=-30, amount=0, why="test"), now=timezone.now())
    answer = form.press("send")
    assert answer.status_code == 422
    assert "changed meanwhile" in form.html
    assert_nothing_happened()
    assert form.press("send").status_code == 303
    assert Message.objects.get().from_balance == 950


@pytest.mark.parametrize("shown", ["", "x", "30:50000", "30:50000:950:1"])
def test_without_a_cost_that_was_shown_it_is_shown_first(signed_in: Client, shown: str) -> None:
    form = Form(signed_in, text="Hello")
    form.press("add", mobile="0475 12 34 56")
    assert form.press("send", shown=shown).status_code == 422
    assert_nothing_happened()
    assert form.press("send").status_code == 303


def test_a_list_longer_than_what_the_cost_was_for_is_shown_first(signed_in: Client) -> None:
    form = Form(signed_in, text="Hello")
    assert form.press("send", to="\n".join(numbers(3))).status_code == 422
    assert "This is what it costs" in form.html
    assert_nothing_happened()
    assert len(sent_to(form.press("send"))) == 3


@pytest.mark.row("N1")
def test_a_text_that_takes_more_sms_than_the_page_said_is_shown_first(signed_in: Client) -> None:
    form = Form(signed_in)
    form.press("clear")
    form.press("add", mobile="0475 12 34 56")
    assert form.fields["parts_each"] == "0"
    assert form.press("send", text="a" * 400 + "ê").status_code == 422
    assert "This is what it costs" in form.html
    assert "6 SMS each" in form.html
    assert_nothing_happened()
    assert form.press("send").status_code == 303
    assert Message.objects.get().parts_each == 6


@pytest.mark.parametrize(("shown", "text"), [("0", "a" * 160), ("", "Hello"), ("3", "a" * 320), ("3", "a" * 459)])
def test_a_text_that_takes_what_the_page_said_or_one_sms_goes_at_once(signed_in: Client, shown: str, text: str) -> None:
    form = Form(signed_in)
    form.press("add", mobile="0475 12 34 56")
    assert form.press("send", text=text, parts_each=shown).status_code == 303


@pytest.mark.row("N1")
def test_the_line_of_costs_brings_along_how_many_sms_it_said(signed_in: Client) -> None:
    html = signed_in.post("/sms/quote/", {"text": "a" * 161, "people": "1"}, headers=HTMX).content.decode()
    assert '<input type="hidden" name="parts_each" value="2">' in html


def test_the_line_of_costs_empties_a_place_for_trouble_that_is_always_there(signed_in: Client) -> None:
    assert '<div id="sms-trouble"></div>' in Form(signed_in).html
    html = signed_in.post("/sms/quote/", {"text": "Hi", "people": "1"}, headers=HTMX).content.decode()
    assert '<div id="sms-trouble" hx-swap-oob="innerHTML"></div>' in html


@pytest.mark.parametrize("first", ["0", "", "x", "-1"])
def test_the_first_none_are_told_to_be_nobody(signed_in: Client, first: str) -> None:
    form = Form(signed_in, text="Hello")
    form.press("add", mobile="0475 12 34 56")
    assert form.press(f"send_first:{first}").status_code == 422
    assert "Nobody was chosen" in form.html
    assert form.numbers() == ["+32475123456"]
    assert_nothing_happened()


def test_a_text_beyond_all_measure_is_counted_and_said_and_its_beginning_kept(signed_in: Client) -> None:
    typed = {"text": "ê" * 20_001, "people": "1", "sign": "on"}
    answer = signed_in.post("/sms/quote/", typed, headers=HTMX)
    html = re.sub(r"<[^>]*>", "", answer.content.decode())
    assert "20001/" in html
    assert "The draft keeps its first 20000 letters." in html
    assert "Replace" not in html
    assert Draft.objects.get().text == "ê" * 20_000
    assert 'maxlength="20000"' in Form(signed_in).html
    answer = signed_in.post("/sms/quote/", typed | {"text": "ê" * 20_000}, headers=HTMX)
    assert "The draft keeps" not in answer.content.decode()
    assert "Replace" in answer.content.decode()


def test_forty_thousand_names_get_an_answer_in_the_form(signed_in: Client) -> None:
    to = "\n".join(
        f"Somebody with quite a long name and a long street {number} <x{number}>" for number in range(40_000)
    )
    form = Form(signed_in)
    answer = form.press("read", to=to)
    assert len(to) > 2 * 1024 * 1024
    assert answer.status_code == 200
    assert len(answer.context["recipients"].bad) == 40_000


@pytest.mark.row("S12", "N4")
def test_too_little_credit_sends_nothing_or_the_first_ones_as_one_chooses(signed_in: Client, anna: User) -> None:
    adjust(account_of(anna), Adjustment(parts=-27, amount=-50_000 + 950, why="test"), now=timezone.now())
    form = Form(signed_in, text="Hello")
    form.press("add", mobile=",".join(numbers(6)))
    answer = form.press("send")
    assert answer.status_code == 422
    assert "2 SMS short" in form.html
    assert "You can pay 4 of 6." in form.html
    assert 'href="/settings/account/balance/?next=/sms/"' in form.html
    assert_nothing_happened()
    assert sent_to(form.press("send_first:4")) == numbers(4)
    assert Draft.objects.get(user=anna).to == numbers(2, start=4)
    assert (
        "The other 2 recipients wait in your draft."
        in signed_in.get(f"/sms/{Message.objects.get().pk}/").content.decode()
    )


def test_more_than_can_be_paid_is_never_sent(signed_in: Client, anna: User) -> None:
    adjust(account_of(anna), Adjustment(parts=-28, amount=-50_000, why="test"), now=timezone.now())
    form = Form(signed_in, text="Hello")
    form.press("add", mobile=",".join(numbers(6)))
    assert form.press("send_first:3").status_code == 422
    assert len(form.numbers()) == 6
    assert_nothing_happened()


@pytest.mark.row("S16")
def test_sent_twice_from_one_page_is_one_sms(signed_in: Client) -> None:
    form = Form(signed_in, text="Hello")
    form.press("add", mobile="0475 12 34 56")
    first = form.press("send")
    assert form.press("send")["Location"] == first["Location"]
    assert Message.objects.count() == 1


def test_the_back_button_and_another_text_make_another_sms(signed_in: Client) -> None:
    form = Form(signed_in, text="Hello")
    form.press("add", mobile="0475 12 34 56")
    first = form.press("send")
    answer = form.press("send", text="Hello again")
    assert answer.status_code == 422
    assert "You sent an SMS from this form before" in form.html
    assert first["Location"] in form.html
    assert form.press("send").status_code == 303
    assert Message.objects.count() == 2


@pytest.mark.row("S22")
def test_the_signature_is_added_by_default_counted_and_can_be_left_off(signed_in: Client, anna: User) -> None:
    User.objects.filter(pk=anna.pk).update(signature="Anna Peeters")
    form = Form(signed_in, text="a" * 150)
    form.press("add", mobile="0475 12 34 56")
    assert "163/306" in form.html
    assert "Sign with “Anna Peeters”" in form.html
    form.press("send")
    assert Message.objects.get().text == "a" * 150 + "\nAnna Peeters"
    form = Form(signed_in)
    form.press("add", mobile="0475 12 34 56", text="Hi", sign="")
    assert "2/160" in form.html
    form.press("send")
    assert Message.objects.filter(text="Hi").exists()


@pytest.mark.row("S22", "S11")
def test_without_a_signature_the_form_says_that_replies_do_not_arrive_and_where_to_make_one(signed_in: Client) -> None:
    html = Form(signed_in).html
    assert "Your SMS comes from +32 460 00 00 00. Replies do not arrive here." in html
    assert 'href="/settings/"' in html


@pytest.mark.row("N7")
def test_a_question_without_an_address_gets_a_hint(signed_in: Client, anna: User) -> None:
    form = Form(signed_in)
    form.press("read", text="Are you coming?")
    assert "You ask something" in form.html
    form.press("read", text="Are you coming? Call 0475 12 34 56")
    assert "You ask something" not in form.html
    User.objects.filter(pk=anna.pk).update(signature="Anna")
    form.press("read", text="Are you coming?", sign="on")
    assert "You ask something" not in form.html


@pytest.mark.row("N8")
def test_costly_characters_are_named_with_the_saving_and_replaced_at_a_click(signed_in: Client) -> None:
    form = Form(signed_in)
    form.press("add", mobile=",".join(numbers(14)), text="Fenêtre " + "a" * 100)
    assert "Fen<mark>ê</mark>tre" in form.html
    assert "Replace, saves 14 SMS" in form.html
    form.press("plain")
    assert form.answer.context["form"].data["text"] == "Fenetre " + "a" * 100


@pytest.mark.row("S10")
def test_what_one_should_know_of_a_country_stands_at_its_numbers(signed_in: Client, settings) -> None:
    settings.SMS_NOTES = {"US": "Operators there often refuse."}
    form = Form(signed_in)
    form.press("add", mobile="+1 202 555 0123")
    assert "United States: Operators there often refuse." in form.html
    form.press("add", mobile="+1 204 234 5678")
    form.press("remove:+1 202 555 0123")
    assert "Operators there" not in form.html


@pytest.mark.row("N14")
def test_a_night_over_there_is_said(signed_in: Client, time_machine) -> None:
    time_machine.move_to("2026-11-23T16:00:00Z")
    form = Form(signed_in)
    form.press("add", mobile="+81 90 1234 5678")
    assert "It is 01:00 now where +81 90-1234-5678 is." in form.html


@pytest.mark.row("S16")
def test_what_was_being_written_is_there_again_until_one_starts_anew(signed_in: Client, anna: User) -> None:
    form = Form(signed_in)
    form.press("add", mobile="0475 12 34 56", text="Half a sent")
    again = Form(signed_in)
    assert (again.fields["to"], again.fields["text"]) == ("0475 12 34 56", "Half a sent")
    again.press("clear")
    assert again.fields.get("to", "") == again.fields.get("text", "") == ""
    assert not Draft.objects.filter(user=anna).exists()


def test_the_last_autosave_does_not_bring_back_what_was_sent(signed_in: Client) -> None:
    form = Form(signed_in, text="Hello")
    form.press("add", mobile="0475 12 34 56")
    form.press("send")
    signed_in.post("/sms/quote/", {"text": "Hello", "people": "1", "token": form.fields["token"]}, headers=HTMX)
    assert Form(signed_in).fields.get("text", "") == ""


@pytest.mark.row("S18", "S3")
@pytest.mark.parametrize("address", ["?to=%2B32475123456", "?to=+32475123456", "?to=0475%2012%2034%2056"])
def test_an_address_brings_a_number_along(signed_in: Client, address: str) -> None:
    answer = signed_in.get(f"/sms/{address}")
    assert [person.reading.number for person in answer.context["recipients"].good] == ["+32475123456"]


def test_htmx_gets_the_form_alone_and_on_add_only_its_recipients(signed_in: Client) -> None:
    html = signed_in.get("/sms/", headers=HTMX).content.decode()
    assert "<html" not in html
    assert 'id="sms-form"' in html
    answer = signed_in.post("/sms/", {"press": "add", "mobile": "0475 12 34 56"}, headers=HTMX)
    assert answer["HX-Retarget"] == "#sms-people"
    assert 'name="text"' not in answer.content.decode()


def test_htmx_is_led_to_the_page_of_the_sms(signed_in: Client) -> None:
    form = Form(signed_in, text="Hello")
    form.press("add", mobile="0475 12 34 56")
    answer = signed_in.post("/sms/", form.fields | {"press": "send"}, headers=HTMX)
    assert answer["HX-Redirect"] == f"/sms/{Message.objects.get().pk}/"


def test_a_planned_sms_is_paid_when_it_goes(signed_in: Client, anna: User) -> None:
    day = (timezone.localtime() + timedelta(days=3)).date()
    form = Form(signed_in, text="Hello")
    form.press("add", mobile="0475 12 34 56")
    form.press("send", later=f"{day}T14:30")
    message = Message.objects.get()
    assert (message.state, message.charge_id) == ("planned", None)
    assert timezone.localtime(message.release_at).strftime("%Y-%m-%dT%H:%M") == f"{day}T14:30"


def test_an_hour_that_does_not_exist_is_an_hour_later(anna: User, time_machine) -> None:
    time_machine.move_to("2027-03-20T10:00:00Z")
    client = Client()
    client.force_login(anna)
    form = Form(client, text="Hello")
    form.press("add", mobile="0475 12 34 56")
    form.press("send", later="2027-03-28T02:30")
    assert timezone.localtime(Message.objects.get().release_at).strftime("%H:%M") == "03:30"


def test_an_office_without_a_gateway_says_so_and_charges_nothing(signed_in: Client, settings) -> None:
    settings.SMS_GATEWAYS = {}
    form = Form(signed_in, text="Hello")
    form.press("add", mobile="0475 12 34 56")
    assert form.press("send").status_code == 422
    assert "no gateway" in form.html
    assert_nothing_happened()


@pytest.mark.row("S5", "S16")
def test_ten_thousand_are_accepted_in_the_statements_of_ten(anna: User, signed_in: Client) -> None:
    adjust(account_of(anna), Adjustment(parts=0, amount=100_000_000, why="test"), now=timezone.now())
    used = []
    for count, start in ((30, 0), (10, 30), (10_000, 40)):
        form = Form(signed_in, text="See you at 9")
        form.press("add", mobile="\n".join(numbers(count, start=start)))
        assert form.html.count('class="chip ') <= 50
        with CaptureQueriesContext(connection) as queries:
            assert form.press("send").status_code == 303
        used.append(len(queries))
    assert used[1] == used[2]
    assert Delivery.objects.count() == 10_040


def test_without_the_token_of_the_office_nothing_is_sent(anna: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(anna)
    for address in ("/sms/", "/sms/quote/"):
        assert client.post(address, {"press": "send", "to": "+32475123456", "text": "Hi"}).status_code == 403
    assert_nothing_happened()


@pytest.mark.row("N18")
def test_the_first_sms_to_a_country_asks_once_and_keeps_what_was_typed(signed_in: Client, anna: User) -> None:
    form = Form(signed_in, text="See you at 9")
    form.press("add", mobile="+81 90 1234 5678")
    assert form.press("send").status_code == 422
    assert "You have not sent SMS to Japan before. Press Send if that is meant." in form.html
    assert (form.numbers(), form.fields["text"]) == (["+819012345678"], "See you at 9")
    assert_nothing_happened()
    form.press("add", mobile="+31 6 12345678")
    form.press("send")
    assert "You have not sent SMS to Netherlands before" in form.html
    assert sent_to(form.press("send")) == ["+819012345678", "+31612345678"]
    form = Form(signed_in, text="See you at 10")
    form.press("add", mobile="+81 90 1234 5678")
    assert sent_to(form.press("send")) == ["+819012345678"]


@pytest.mark.row("N18")
def test_a_limit_says_what_still_fits_and_keeps_what_was_typed(signed_in: Client, anna: User) -> None:
    Limit.objects.all().delete()
    Limit.objects.create(kind="user", window="day", most=2)
    form = Form(signed_in, text="See you at 9")
    form.press("add", mobile=",".join(numbers(3)))
    assert form.press("send").status_code == 422
    assert "Nothing was sent and nothing was paid. You send at most 2 SMS in one day. 2 still fit" in form.html
    assert "/settings/limits/" in form.html
    assert (form.numbers(), form.fields["text"]) == (numbers(3), "See you at 9")
    assert_nothing_happened()


@pytest.mark.row("N18")
def test_a_number_that_asked_not_to_get_sms_is_refused_at_its_chip(signed_in: Client, anna: User) -> None:
    blocked, good = numbers(2)
    BlockedNumber.objects.create(number=blocked, created_at=timezone.now())
    RefusedRange.objects.create(prefix="+8190")
    form = Form(signed_in, text="See you at 9")
    form.press("add", mobile=f"{blocked}, {good}, +81 90 1234 5678")
    assert "Whoever has this number asked not to get SMS. Take it out." in form.html
    assert "does not send SMS to numbers that begin like this one" in form.html
    assert form.numbers() == [good]
    assert form.press("send").status_code == 422
    assert_nothing_happened()
    form.press("remove_bad")
    assert sent_to(form.press("send")) == [good]


@pytest.mark.row("N5")
def test_a_send_that_would_starve_planned_ones_warns_before(signed_in: Client, anna: User) -> None:
    adjust(account_of(anna), Adjustment(parts=0, amount=-50_000, why="x"), now=timezone.now())
    at = timezone.now() + timedelta(minutes=1)
    planned = submission.Request(
        anna, "Later", [submission.Recipient(each) for each in numbers(22)], "form", "p", release_at=at
    )
    submission.submit(planned, now=timezone.now())
    form = Form(signed_in, text="See you at 9")
    form.press("add", mobile=",".join(numbers(8)))
    assert "Planned SMS need" not in form.html
    form.press("add", mobile=",".join(numbers(10, start=8)))
    assert "Planned SMS need 22 before the end of the month; after this one you have 12." in form.html
