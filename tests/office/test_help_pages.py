"""The help: problems first, what is not available said plainly, and a look at one's own record and credit."""

import html
import re

import pytest
from django.conf import settings
from django.utils import timezone

from sms import submission
from sms.models import Delivery
from sms.submission import Recipient, Request
from tests.people import MOBILE, person

pytestmark = pytest.mark.django_db
ADDRESS = "/help/sms/"


def read(client, user):
    client.force_login(user)
    return html.unescape(client.get(ADDRESS).content.decode())


def send_to_oneself(user):
    wanted = Request(user=user, text="To me", to=[Recipient(MOBILE)], occasion="form", request_key="k")
    return submission.submit(wanted, now=timezone.now()).message


@pytest.mark.row("S9")
def test_there_is_a_page_for_each_tool_that_exists_and_none_for_others(client):
    assert client.get(ADDRESS).status_code == 302
    client.force_login(person())
    assert client.get(ADDRESS).status_code == 200
    assert client.get("/help/agenda/").status_code == 404


@pytest.mark.row("S9")
def test_every_tool_whose_help_is_linked_has_a_page(client):
    templates = (settings.BASE_DIR / "templates").rglob("*.html")
    tools = {tool for each in templates for tool in re.findall(r"""\btool=["'](\w+)["']""", each.read_text())}
    assert {"sms", "contacts", "credit"} <= tools
    client.force_login(person())
    assert {tool: client.get(f"/help/{tool}/").status_code for tool in tools} == dict.fromkeys(tools, 200)


@pytest.mark.row("S9", "S11", "S12", "S15", "S20", "S22")
def test_it_says_what_the_office_does_and_does_not_do(client):
    page = read(client, person(now=timezone.now()))
    assert page.index("When sending does not work") < page.index("How to send")
    for sentence in (
        "The office cannot receive SMS",
        "We guarantee that your SMS left our system",
        "lapse at the end of the month",
        "The SMS of your month's allowance pay first",
        "So sign your SMS",
        "+32 460 00 00 00",
    ):
        assert sentence in page


@pytest.mark.row("S21")
def test_why_did_i_not_get_it_looks_at_ones_own_record_and_credit(client):
    page = read(client, person("ben", mobile="", parts=0, balance=0, now=timezone.now()))
    assert "not in your personal record" in page
    assert "Your subscription gives no SMS, and your balance does not pay for one." in page
    user = person("anna", parts=1, balance=0, now=timezone.now())
    send_to_oneself(user)
    assert "this month's allowance are used up" in read(client, user)


@pytest.mark.row("S21")
def test_why_did_i_not_get_it_knows_the_last_sms_to_oneself(client):
    user = person("anna", now=timezone.now())
    assert "No SMS to your own number was sent yet" in read(client, user)
    message = send_to_oneself(user)
    Delivery.objects.update(state="sending")
    Delivery.objects.update(state="sent", sent_at=timezone.now(), receipt=2)
    page = read(client, user)
    assert "The last SMS to your own number: left our system" in page
    assert "Its memory may be full" in page
    assert f"/sms/{message.pk}/" in page
    assert f"/sms/{message.pk}/" not in read(client, person("carla", now=timezone.now()))


@pytest.mark.parametrize("language", ["nl", "fr", "en"])
def test_it_is_in_the_readers_language(client, language):
    page = read(client, person(language=language, now=timezone.now()))
    assert f'<html lang="{language}">' in page
