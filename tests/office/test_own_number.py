"""The own number on the personal record: its state and cure, a test SMS that is paid once, and one's own card."""

import html
import io
import re

import pytest
from django.utils import timezone

from contacts import vcard
from contacts.models import User
from credit.allowance import standing
from office.obstacles import obstacles
from sms import holding
from sms.models import Delivery, Message
from tests.people import person

pytestmark = pytest.mark.django_db
RECORD, TEST = "/settings/", "/settings/test-sms/"


@pytest.fixture
def anna(client) -> User:
    user = person(
        signature="Anna", first_name="Anna", last_name="Peeters", email="anna@example.org", now=timezone.now()
    )
    client.force_login(user)
    return user


def page_of(client, address=RECORD) -> str:
    return html.unescape(client.get(address).content.decode())


def fields(page: str) -> dict[str, str]:
    form = page.split(f'action="{TEST}"')[1].split("</form>", maxsplit=1)[0]
    return dict(re.findall(r'name="(token|shown)" value="([^"]*)"', form))


@pytest.mark.row("S21")
def test_a_number_that_can_get_sms_says_so_and_what_a_test_costs(client, anna):
    page = page_of(client)
    assert "can get SMS" in page
    assert "1 SMS from this month's allowance" in page
    assert "Send me a test SMS" in page


@pytest.mark.row("S21")
def test_a_missing_number_is_said_and_no_test_is_offered(client, anna):
    User.objects.update(mobile="", mobile_typed="")
    page = page_of(client)
    assert "not in your personal record" in page
    assert "Send me a test SMS" not in page


@pytest.mark.row("S21")
def test_a_number_that_cannot_get_sms_says_why_and_bears_its_cure(client, anna):
    User.objects.update(mobile="+3225551212", mobile_typed="+32 475 12 34 5O")
    page = page_of(client)
    assert "cannot get SMS" in page
    assert "This is a landline" in page
    assert 'name="mobile" value="+32475123450"' in page
    assert "Send me a test SMS" not in page


@pytest.mark.row("S21", "S22")
def test_a_test_sms_goes_to_oneself_is_signed_and_paid_once(client, anna):
    posted = fields(page_of(client))
    before = standing(anna, now=timezone.now()).available
    for _press in range(2):
        answer = client.post(TEST, posted)
        assert answer.status_code == 303
    message = Message.objects.get()
    assert answer.headers["Location"] == f"/sms/{message.pk}/"
    assert message.text == "Test SMS from Office: SMS reach this number.\nAnna"
    assert list(Delivery.objects.values_list("number", "name")) == [(anna.mobile, "Anna Peeters")]
    assert standing(anna, now=timezone.now()).available == before - 1


@pytest.mark.parametrize(
    ("record", "posted"),
    [
        ({"mobile": ""}, {}),
        ({"mobile": "+3225551212"}, {}),
        ({}, {"token": ""}),
        ({}, {"token": "x" * 100}),
        ({}, {"shown": "cheap"}),
        ({}, {"shown": "0:50000:950"}),
    ],
)
def test_what_cannot_be_sent_is_said_and_nothing_is_paid(client, anna, record, posted):
    data = fields(page_of(client)) | posted
    User.objects.update(**record)
    answer = client.post(TEST, data, follow=True)
    assert not Message.objects.exists()
    assert "Nothing was sent" in html.unescape(answer.content.decode())
    assert standing(anna, now=timezone.now()).available == 30


def test_without_credit_no_test_is_offered_and_none_is_sent(client):
    user = person(parts=0, balance=0, now=timezone.now())
    client.force_login(user)
    page = page_of(client)
    assert "your credit is too low" in page
    answer = client.post(TEST, {"token": "a" * 22, "shown": "0:0:950"}, follow=True)
    assert "Nothing was sent" in html.unescape(answer.content.decode())
    assert not Message.objects.exists()


@pytest.mark.row("S21")
def test_the_hold_of_the_office_is_said_to_whom_it_stops(client, anna):
    assert obstacles(anna, now=timezone.now()) == []
    holding.hold(why="maintenance", now=timezone.now())
    assert "The office holds all SMS" in page_of(client)
    assert "The office holds all SMS" in page_of(client, "/")
    assert "The office holds all SMS" in page_of(client, "/help/sms/")


def test_ones_own_card_leaves_as_a_vcard(client, anna):
    answer = client.get("/settings/own-card.vcf")
    [record] = vcard.records(io.BytesIO(answer.content))
    assert answer.headers["Content-Type"].startswith("text/vcard")
    assert (record.first_name, record.last_name, record.company) == ("Anna", "Peeters", "Office")
    assert record.numbers == [("+32475123456", "mobile")]
    assert record.emails == [("anna@example.org", "work")]
