"""The sheet for who sent the SMS, and the page where anybody checks its code."""

import uuid
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from contacts.models import User
from sms import departure, dispatch, proof_views, receipts, submission
from sms.gateways import configured
from sms.gateways.contract import ReceiptState
from sms.models import Delivery
from sms.submission import Recipient, Request
from tests.people import person

TEXT = "Afspraak om 9 u. & <b>vet</b>"
NUMBER = "+32470123456"
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.row("N2", "S20")]


@pytest.fixture(autouse=True)
def nobody_has_checked_yet() -> None:
    cache.clear()


@pytest.fixture
def anna() -> User:
    return person(now=timezone.now())


@pytest.fixture
def page(anna: User) -> Client:
    client = Client()
    client.force_login(anna)
    return client


@pytest.fixture
def memory(settings):
    settings.SMS_GATEWAYS = {"memory": {"BACKEND": "sms.gateways.memory.Memory", "OPTIONS": {}}}
    return configured.gateway("memory")


@pytest.fixture
def sent(anna: User, memory) -> Delivery:
    return send(anna)


@pytest.fixture
def code(sent: Delivery) -> str:
    return departure.code_of(sent)


def send(user: User) -> Delivery:
    request = Request(user, TEXT, [Recipient(NUMBER, name="Jan Peeters")], "form", str(uuid.uuid4()))
    message = submission.submit(request, now=timezone.now()).message
    dispatch.drain("memory", clock=timezone.now)
    return Delivery.objects.select_related("message").get(message=message)


def sheet_of(delivery: Delivery) -> str:
    return f"/sms/{delivery.message_id}/proof/{delivery.pk}"


def test_the_sheet_says_everything_and_what_it_does_not_prove(
    page: Client, sent: Delivery, code: str, settings
) -> None:
    html = page.get(f"{sheet_of(sent)}/").content.decode()
    moment = timezone.localtime(sent.sent_at)
    for said in ("+32 470 12 34 56", "Jan Peeters", "Afspraak om 9 u. &amp; &lt;b&gt;vet&lt;/b&gt;", "memory-1", code,
                 f"{moment:%H:%M:%S} (UTC{moment:%z})", "Europe/Brussels", f"{settings.BASE_URL}/proof/{code}/",
                 "That the telephone received it", "That anybody read it."):  # fmt: skip
        assert said in html


def test_the_page_of_the_sms_leads_to_the_sheet(page: Client, sent: Delivery) -> None:
    assert f'href="{sheet_of(sent)}/"' in page.get(f"/sms/{sent.message_id}/").content.decode()


def test_the_sheet_as_data(page: Client, sent: Delivery, code: str, settings) -> None:
    content = page.get(f"{sheet_of(sent)}.json").json()
    assert content == page.get(f"{sheet_of(sent)}/", headers={"Accept": "application/json"}).json()
    assert content["code"] == code
    assert content["check"] == f"{settings.BASE_URL}/proof/{code}/"
    assert (content["number"], content["name"], content["text"]) == (NUMBER, "Jan Peeters", TEXT)
    assert (content["gateway"], content["reference"], content["parts"]) == ("memory", "memory-1", 1)
    assert content["sent_at"] == timezone.localtime(sent.sent_at).isoformat()
    assert content["receipt"] == "none"
    assert len(content["does_not_prove"]) == 3


def test_what_has_not_left_has_no_sheet(page: Client, anna: User, memory) -> None:
    memory.play(["refuse"])
    refused = send(anna)
    answer = page.get(f"{sheet_of(refused)}/")
    assert answer.status_code == 409
    assert "it is not known that this SMS left our system" in answer.content.decode()
    assert page.get(f"{sheet_of(refused)}.json").json()["code"] == "not_departed"


def test_another_s_sheet_does_not_exist(sent: Delivery, page: Client) -> None:
    client = Client()
    client.force_login(person("carla"))
    assert client.get(f"{sheet_of(sent)}/").status_code == 404
    assert client.get(f"{sheet_of(sent)}.json").status_code == 404
    assert page.get(f"/sms/{uuid.uuid4()}/proof/{sent.pk}/").status_code == 404, "the delivery is of another message"


def test_anybody_can_check_and_sees_no_text_no_name_no_number_and_not_whose(sent: Delivery, code: str) -> None:
    answer = Client().get(f"/proof/{code}/")
    html = answer.content.decode()
    assert answer.status_code == 200
    assert "This proof is genuine" in html
    for shown in ("+32 … 56", "memory-1", "Left our system"):
        assert shown in html
    for hidden in ("Afspraak", "Peeters", "470123456", "470 12 34 56", "anna", str(sent.message_id)):
        assert hidden not in html


def test_it_is_indexed_and_kept_nowhere(code: str) -> None:
    answer = Client().get(f"/proof/{code}/")
    assert answer["X-Robots-Tag"] == "noindex, nofollow"
    assert '<meta name="robots" content="noindex, nofollow">' in answer.content.decode()
    assert "no-store" in answer["Cache-Control"]


def test_the_check_as_data(sent: Delivery, code: str) -> None:
    content = Client().get(f"/proof/{code}.json").json()
    assert content == Client().get(f"/proof/{code}/", headers={"Accept": "application/json"}).json()
    assert (content["genuine"], content["number"], content["reference"]) == (True, "+32 … 56", "memory-1")
    assert not {"text", "name", "user"} & set(content)
    assert TEXT not in str(content)


def test_a_mistyped_an_unknown_and_a_forged_code_get_the_same_answer(sent: Delivery, code: str) -> None:
    swapped = code[:-1] + ("0" if code[-1] != "0" else "1")
    answers = [Client().get(f"/proof/{wrong}/") for wrong in ("x", "0000-0000-0000-0000-0000", swapped)]
    assert {answer.status_code for answer in answers} == {404}
    bodies = {answer.content.decode().split("<main")[1] for answer in answers}
    assert len(bodies) == 1
    assert "This code is not one of ours." in bodies.pop()
    assert Client().get("/proof/x.json").json()["genuine"] is False


@pytest.mark.parametrize(
    ("number", "text", "agrees"),
    [
        ("+32 470 12 34 56", TEXT, True),
        (NUMBER, f" {TEXT}\r\n", True),
        (NUMBER, "Afspraak om 8 u.", False),
        ("+32470123457", TEXT, False),
        ("", "", False),
    ],
)
def test_who_has_the_sheet_can_compare_number_and_text(code: str, number: str, text: str, agrees: bool) -> None:
    typed = {"number": number, "text": text}
    html = Client().post(f"/proof/{code}/", typed).content.decode()
    assert ("Both are as our records have them." in html) is agrees
    assert ("They are not both as our records have them." in html) is not agrees
    content = Client(enforce_csrf_checks=True).post(f"/proof/{code}.json", typed).json()
    assert content["agrees"] is agrees


def test_a_right_text_with_a_wrong_number_is_not_told_from_a_wrong_one(code: str) -> None:
    """Who only has the code cannot try out texts: both are right, or nothing is said."""
    almost = Client().post(f"/proof/{code}.json", {"number": "+32470123457", "text": TEXT}).json()
    wrong = Client().post(f"/proof/{code}.json", {"number": "+32470123457", "text": "No"}).json()
    assert almost == wrong


def test_the_receipt_is_information(page: Client, memory, sent: Delivery, code: str) -> None:
    said = memory.receipt(memory.arrivals()[-1], state=ReceiptState.DELIVERED, at=timezone.now())
    receipts.keep("memory", [said], now=timezone.now())
    receipts.settle(now=timezone.now())
    assert departure.code_of(Delivery.objects.get(pk=sent.pk)) == code, "a receipt is no part of the proof"
    for html in (page.get(f"{sheet_of(sent)}/").content.decode(), Client().get(f"/proof/{code}/").content.decode()):
        assert "Receipt of the operator, for information" in html
    assert Client().get(f"/proof/{code}.json").json()["receipt"] == "delivered"


def test_an_address_that_checks_too_often_waits(code: str, time_machine) -> None:
    time_machine.move_to(timezone.now().replace(second=1), tick=False)
    for _ in range(proof_views.CHECKS_A_MINUTE):
        assert Client().get("/proof/x/").status_code == 404
    answer = Client().get(f"/proof/{code}/")
    assert answer.status_code == 429
    assert "That was too often in a short time." in answer.content.decode()
    assert answer["X-Robots-Tag"] == "noindex, nofollow"
    assert Client().get(f"/proof/{code}.json").json()["code"] == "throttled"
    assert Client(REMOTE_ADDR="192.0.2.7").get(f"/proof/{code}/").status_code == 200
    time_machine.shift(timedelta(minutes=1))
    assert Client().get(f"/proof/{code}/").status_code == 200


def test_one_code_is_compared_only_so_often_from_wherever(code: str, time_machine) -> None:
    time_machine.move_to(timezone.now().replace(minute=1), tick=False)
    typed = {"number": NUMBER, "text": "a guess"}
    for attempt in range(proof_views.COMPARISONS_AN_HOUR):
        answer = Client(REMOTE_ADDR=f"192.0.2.{attempt}").post(f"/proof/{code}/", typed)
        assert answer.status_code == 200
    elsewhere = Client(REMOTE_ADDR="198.51.100.1")
    assert elsewhere.post(f"/proof/{code.lower()}/", typed | {"text": TEXT}).status_code == 429
    assert elsewhere.get(f"/proof/{code}/").status_code == 200, "looking is still possible"


def test_the_check_speaks_the_visitor_s_language(code: str) -> None:
    html = Client(headers={"Accept-Language": "nl"}).get(f"/proof/{code}/").content.decode()
    assert '<html lang="nl">' in html
    assert "This proof is genuine" not in html
