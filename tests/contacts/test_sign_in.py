"""The door: who gets in, what it says, and that nobody makes a user here."""

import re

import pytest
from django.core.cache import cache

from contacts.models import User
from tests.people import person

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def fresh_limits():
    """The limits live in the shared cache, which outlives a test's transaction only in name."""
    cache.clear()


def sign_in(client, login, password="demo-office", **more):
    return client.post("/accounts/login/", {"login": login, "password": password, **more})


def test_name_or_mail_address_and_password_open_the_door(client):
    person("anna", email="anna@example.org")
    assert sign_in(client, "anna").headers["Location"] == "/"
    client.post("/accounts/logout/")
    assert sign_in(client, "anna@example.org", next="/settings/").headers["Location"] == "/settings/"


def test_a_wrong_password_says_so_and_keeps_the_name(client):
    person("anna")
    page = sign_in(client, "anna", "wrong").content.decode()
    assert "do not belong together" in page
    assert 'value="anna"' in page
    assert "wrong" not in re.sub("field-wrong", "", page)


def test_an_unknown_name_reads_the_same_as_a_wrong_password(client):
    person("anna")
    known, unknown = (sign_in(client, name, "wrong").content.decode() for name in ("anna", "anno"))
    assert "do not belong together" in unknown
    assert known.count("do not belong together") == unknown.count("do not belong together")


def test_guessing_is_stopped_in_plain_words_even_for_the_right_password(client):
    person("anna")
    for _turn in range(5):
        sign_in(client, "anna", "wrong")
    answer = sign_in(client, "anna")
    assert "Wait five minutes" in answer.content.decode()
    assert client.get("/").status_code == 302


def test_too_many_calls_get_a_page_of_ours(client):
    for _turn in range(31):
        answer = sign_in(client, "nobody", "wrong")
    assert answer.status_code == 429
    assert "That was too often" in answer.content.decode()


def test_an_address_of_elsewhere_is_never_followed(client):
    person("anna")
    assert sign_in(client, "anna", next="https://example.org/").headers["Location"] == "/"


def test_nobody_signs_up_by_themselves(client):
    assert client.get("/accounts/signup/").status_code == 404
    assert client.post("/accounts/signup/", {"username": "eve"}).status_code == 404
    assert not User.objects.exists()


def test_signing_out_needs_a_post(client):
    client.force_login(person("anna"))
    assert "Sign out?" in client.get("/accounts/logout/").content.decode()
    assert client.get("/").status_code == 200
    client.post("/accounts/logout/")
    assert client.get("/").status_code == 302


def test_a_switched_off_user_stays_out(client):
    person("anna", is_active=False)
    sign_in(client, "anna")
    assert client.get("/").status_code == 302


def test_the_link_for_a_new_password_comes_in_the_users_language_and_works_once(client, mailoutbox):
    person("anna", email="anna@example.org", language="nl")
    told = client.post("/accounts/password/reset/", {"email": "anna@example.org"}, follow=True)
    assert "Look in your mail" in told.content.decode()
    [mail] = mailoutbox
    assert mail.to == ["anna@example.org"]
    link = re.search(r"https?://\S+(/accounts/password/reset/key/\S+)", mail.body).group(1)
    form = client.get(link, follow=True)
    address = form.request["PATH_INFO"]
    bad = client.post(address, {"password1": "velvet-otter-91", "password2": "other"})
    assert "aria-invalid" in bad.content.decode()
    done = client.post(address, {"password1": "velvet-otter-91", "password2": "velvet-otter-91"}, follow=True)
    assert done.status_code == 200
    assert "no longer works" in client.get(link, follow=True).content.decode()
    assert sign_in(client, "anna", "velvet-otter-91").headers["Location"] == "/"


def test_an_unknown_mail_address_is_not_given_away_and_gets_no_mail(client, mailoutbox):
    told = client.post("/accounts/password/reset/", {"email": "nobody@example.org"}, follow=True)
    assert "Look in your mail" in told.content.decode()
    assert mailoutbox == []


def test_the_administration_is_behind_the_same_door(client):
    assert client.get("/admin/", follow=True).redirect_chain[-1] == ("/accounts/login/?next=%2Fadmin%2F", 302)
    client.force_login(person("ben"))
    assert client.get("/admin/login/").status_code == 403


def test_the_demo_shows_its_sign_ins_and_another_office_does_not(client, settings):
    settings.DEMO = True
    assert "demo-office" in client.get("/accounts/login/").content.decode()
    settings.DEMO = False
    assert "demo-office" not in client.get("/accounts/login/").content.decode()
