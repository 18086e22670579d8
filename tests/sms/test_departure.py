"""The code of a proof: it holds for exactly what it was made of, and for nothing else."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from contacts.models import User
from sms import departure, dispatch, submission
from sms.gateways import configured
from sms.models import Delivery
from sms.submission import Recipient, Request
from tests.people import numbers, person

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.row("N2")]


@pytest.fixture
def anna() -> User:
    return person("anna", now=NOW)


@pytest.fixture
def memory(settings):
    settings.SMS_GATEWAYS = {"memory": {"BACKEND": "sms.gateways.memory.Memory", "OPTIONS": {}}}
    return configured.gateway("memory")


@pytest.fixture
def sent(anna: User, memory) -> Delivery:
    return send(anna)[0]


def send(user: User, count: int = 1, text: str = "Café om 9 u.\nTot dan") -> list[Delivery]:
    to = [Recipient(number, name="Jan") for number in numbers(count)]
    request = Request(user=user, text=text, to=to, occasion="form", request_key=text)
    message = submission.submit(request, now=NOW).message
    dispatch.drain("memory", clock=lambda: NOW + timedelta(seconds=5))
    return list(Delivery.objects.filter(message=message).select_related("message"))


def test_the_code_leads_to_its_delivery_and_can_be_typed(sent: Delivery) -> None:
    code = departure.code_of(sent)
    assert re.fullmatch(r"([0-9A-HJKMNP-TV-Z]{4}-){4}[0-9A-HJKMNP-TV-Z]{4}", code)
    assert departure.find(code) == sent
    assert departure.find(f" {code.lower().replace('-', ' ')} ") == sent
    assert departure.find(code.replace("1", "l").replace("0", "o")) == sent


def test_it_is_the_same_each_time_and_another_for_each_delivery(anna: User, memory) -> None:
    codes = [departure.code_of(each) for each in send(anna, 20)]
    assert codes == [departure.code_of(each) for each in Delivery.objects.order_by("position")]
    assert len(set(codes)) == 20
    assert len({code[:4] for code in codes}) > 15, "how many SMS an office sends shows in no code"


def test_no_letter_of_it_can_be_changed(sent: Delivery) -> None:
    code = departure.code_of(sent).replace("-", "")
    for place, letter in enumerate(code):
        other = departure.ALPHABET[(departure.ALPHABET.index(letter) + 1) % 32]
        assert departure.find(code[:place] + other + code[place + 1 :]) is None


@pytest.mark.parametrize("code", ["", "-", "0", "0" * 19, "0" * 20, "Z" * 20, "0" * 21, "U" * 20, "é" * 20, "١" * 20])
def test_what_is_no_code_leads_nowhere(sent: Delivery, code: str) -> None:
    assert departure.find(code) is None


@pytest.mark.parametrize(
    ("field", "value"),
    [("number", "+32470999999"), ("reference", "other"), ("gateway", "other"), ("sent_at", NOW), ("handed_at", NOW)],
)
def test_records_changed_afterwards_are_no_longer_proved(sent: Delivery, field: str, value: object) -> None:
    code = departure.code_of(sent)
    changed = Delivery.objects.get(pk=sent.pk)
    setattr(changed, field, value)
    assert departure.code_of(changed) != code


def test_a_changed_text_is_no_longer_proved(sent: Delivery) -> None:
    code = departure.code_of(sent)
    sent.message.text = "Something else"
    assert departure.code_of(sent) != code


def test_the_code_outlives_a_new_key_that_remembers_the_old(sent: Delivery, settings) -> None:
    code, old = departure.code_of(sent), settings.SECRET_KEY
    settings.SECRET_KEY = "another-key-of-the-office"
    assert departure.find(code) is None
    settings.SECRET_KEY_FALLBACKS = [old]
    assert departure.find(code) == sent


def test_what_has_not_left_has_no_code(anna: User, memory) -> None:
    memory.play(["refuse"])
    [refused] = send(anna)
    with pytest.raises(departure.NotDeparted):
        departure.code_of(refused)


def test_number_and_text_are_compared_as_paper_shows_them(sent: Delivery) -> None:
    number = "+32 470 00 00 00"
    assert departure.agrees(sent, number=number, text="Café om 9 u.\r\nTot dan")
    assert departure.agrees(sent, number="0032 470 000000", text="  Café om 9 u. Tot  dan ")
    assert not departure.agrees(sent, number=number, text="Café om 8 u.\nTot dan")
    assert not departure.agrees(sent, number="+32 470 00 00 01", text=sent.message.text)
    assert not departure.agrees(sent, number="", text="")


@pytest.mark.parametrize(
    ("number", "shown"), [("+32475123456", "+32 … 56"), ("+12025550123", "+1 … 23"), ("+3531234567", "+353 … 67")]
)
def test_a_stranger_sees_two_digits_of_the_number(number: str, shown: str) -> None:
    assert departure.masked(number) == shown
