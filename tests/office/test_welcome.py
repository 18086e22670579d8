"""The welcome page and the frame round every page."""

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from contacts import notices
from contacts.models import User
from contacts.notices import News
from sms import submission
from sms.submission import Recipient, Request
from tests.people import person

pytestmark = pytest.mark.django_db


def somebody(name="anna", **more) -> User:
    return person(name, now=timezone.now(), **more)


def send(user, text="See you at 9", to=("+32475998877",), **more):
    recipients = [Recipient(number) for number in to]
    wanted = Request(user, text, recipients, "form", request_key=str(uuid.uuid4()), **more)
    return submission.submit(wanted, now=timezone.now()).message


def test_it_wants_to_know_who_asks(client):
    assert client.get("/").headers["Location"] == "/accounts/login/?next=/"


@pytest.mark.row("S16")
@pytest.mark.parametrize("language", ["nl", "fr", "en"])
def test_the_sms_button_works_with_and_without_javascript(client, language):
    client.force_login(somebody(language=language))
    page = client.get("/").content.decode()
    assert 'href="/sms/"' in page
    assert 'hx-get="/sms/"' in page
    assert 'hx-target="#compose"' in page
    assert "<span>SMS</span>" in page


@pytest.mark.row("S21")
def test_what_keeps_sms_from_oneself_is_told_with_its_cure(client):
    client.force_login(somebody(mobile="", parts=0, balance=0))
    page = client.get("/").content.decode()
    assert "not in your personal record" in page
    assert "/settings/#mobile" in page
    assert "Your subscription gives no SMS" in page
    assert "/settings/account/balance/" in page


def test_low_credit_is_told_before_it_is_gone(client):
    client.force_login(somebody(parts=3, balance=0))
    page = client.get("/").content.decode()
    assert "Your credit runs low: 3 SMS" in page
    assert "credit-low" in page


def test_where_all_is_well_nothing_needs_a_hand(client):
    client.force_login(somebody())
    assert "Needs a hand" not in client.get("/").content.decode()


def test_notices_and_what_was_sent_last_are_ones_own(client):
    anna, carla = somebody("anna"), somebody("carla")
    notices.tell(News(anna.pk, "a", "The gateway refused one.", "/sms/history/"), now=timezone.now())
    message = send(anna, to=("+32475998877", "+32475998878"))
    send(anna, release_at=timezone.now() + timedelta(days=1))
    client.force_login(anna)
    page = client.get("/").content.decode()
    assert "The gateway refused one." in page
    assert f"/sms/{message.pk}/" in page
    assert "+32 475 99 88 77" in page
    assert "and 1 more" in page
    assert "1 planned SMS" in page
    client.force_login(carla)
    page = client.get("/").content.decode()
    assert "planned SMS" not in page
    assert "The gateway refused one." not in page
    assert "See you at 9" not in page
    assert "Nothing sent yet" in page


def test_what_a_person_wrote_is_shown_as_text(client):
    anna = somebody()
    send(anna, text="<script>alert(1)</script>")
    client.force_login(anna)
    page = client.get("/").content.decode()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


def test_the_credit_stands_on_every_page_and_follows_what_is_spent(client):
    anna = somebody()
    client.force_login(anna)
    assert "30 SMS" in client.get("/help/sms/").content.decode()
    send(anna)
    figure = client.get("/settings/quota/account/figure/").content.decode()
    assert "29 SMS" in figure
    assert "€50,000" not in figure
    assert "€5.00" in figure


def test_the_page_of_a_missing_address_is_ours_and_offers_the_way_back(client):
    answer = client.get("/nowhere/")
    assert answer.status_code == 404
    assert "This page is not here" in answer.content.decode()


def test_the_handset_is_among_the_tools_of_the_demo_only(client, settings):
    client.force_login(somebody())
    settings.DEMO = True
    assert 'href="/phone/"' in client.get("/").content.decode()
    settings.DEMO = False
    assert 'href="/phone/"' not in client.get("/").content.decode()


@pytest.mark.parametrize("address", ["/", "/settings/", "/settings/quota/account/", "/help/sms/", "/phone/"])
def test_no_script_or_style_stands_in_a_page(client, settings, address):
    settings.DEMO = True
    client.force_login(somebody())
    answer = client.get(address)
    page = answer.content.decode()
    assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
    assert " style=" not in page
    assert "<style" not in page
    assert " onclick=" not in page
    assert all("src=" in tag.split(">")[0] for tag in page.split("<script")[1:])
