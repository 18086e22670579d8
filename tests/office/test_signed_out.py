"""Whose sign-in ended while a page was open is told so, and keeps what was typed."""

import pytest
from django.test import Client

from tests.people import person

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true", "HX-Current-URL": "http://testserver/sms/history/?q=jan"}
TYPED = {"mobile": "0475 12 34 56", "text": "Long thought about", "press": "add"}


@pytest.mark.row("S16")
def test_what_is_pressed_is_answered_by_a_notice_and_not_by_the_sign_in_page(client: Client) -> None:
    answer = client.post("/sms/", TYPED, headers=HTMX)
    assert (answer.status_code, answer["HX-Retarget"]) == (401, "#refused")
    page = answer.content.decode()
    assert "Copy what you typed, then load the page anew." in page
    assert "<main" not in page
    client.force_login(person())
    assert '{"code":"401","swap":true,"error":true}' in client.get("/sms/").content.decode()


@pytest.mark.row("S16")
def test_what_looks_again_by_itself_leads_to_the_sign_in_page_and_back(client: Client) -> None:
    answer = client.get("/sms/history/?q=jan", headers=HTMX)
    assert answer["HX-Redirect"] == "/accounts/login/?next=%2Fsms%2Fhistory%2F%3Fq%3Djan"


@pytest.mark.row("S16")
def test_a_whole_page_leads_to_the_sign_in_page_as_ever(client: Client) -> None:
    assert client.get("/sms/").status_code == 302
    assert client.post("/sms/", TYPED)["Location"] == "/accounts/login/?next=/sms/"


@pytest.mark.row("S16")
def test_a_page_from_before_another_sign_in_is_told_the_same() -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(person())
    answer = client.post("/sms/", TYPED, headers=HTMX)
    assert (answer.status_code, answer["HX-Retarget"]) == (401, "#refused")
    assert client.post("/sms/", TYPED).status_code == 403
