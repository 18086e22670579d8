"""What the office cannot take is answered in words, whoever asks and whatever else is broken."""

import html

import pytest
from django.test import Client

from contacts.models import User
from tests.people import person

TOO_MUCH = {"to": "x" * (5 * 1024 * 1024 + 1)}
HTMX = {"HX-Request": "true"}


@pytest.fixture
def signed_in() -> Client:
    client = Client()
    client.force_login(person("anna", language="nl"))
    return client


@pytest.mark.django_db
def test_too_much_at_once_is_said_in_the_language_of_the_person(signed_in: Client) -> None:
    answer = signed_in.post("/sms/", TOO_MUCH)
    page = html.unescape(answer.content.decode())
    assert answer.status_code == 400
    assert '<html lang="nl">' in page
    assert "meer dan het kantoor in één keer aankan" in page
    assert "plain.css" in page


@pytest.mark.django_db
def test_htmx_gets_a_notice_above_what_was_typed(signed_in: Client) -> None:
    User.objects.update(language="en")
    page = signed_in.get("/sms/").content.decode()
    answer = signed_in.post("/sms/", TOO_MUCH, headers=HTMX)
    assert answer.status_code == 400
    assert answer["HX-Retarget"] == "#refused"
    assert 'id="refused"' in page
    assert '{"code":"400","swap":true,"error":true}' in page
    assert "more than the office takes at once" in answer.content.decode()
    assert "<html" not in answer.content.decode()


@pytest.mark.django_db
def test_too_many_fields_are_too_much(signed_in: Client) -> None:
    answer = signed_in.post("/sms/", {f"field{number}": "" for number in range(2_001)})
    assert answer.status_code == 400
    assert "meer dan het kantoor" in html.unescape(answer.content.decode())


@pytest.mark.parametrize(
    ("language", "words"), [("en", "cannot read"), ("fr", "ne peut pas lire"), ("xx", "cannot read")]
)
def test_a_foreign_host_gets_a_page_without_the_database(language: str, words: str) -> None:
    answer = Client().get("/", headers={"Host": "elsewhere.example", "Accept-Language": language})
    assert answer.status_code == 400
    assert words in html.unescape(answer.content.decode())
