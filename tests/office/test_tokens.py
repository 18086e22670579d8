"""Tokens: shown once, kept as a digest, taken back by their owner and by nobody else."""

import re
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from contacts.models import User
from office import tokens
from office.models import Token
from tests.browser import axe
from tests.people import NOW, person
from tests.program import Program

pytestmark = pytest.mark.django_db
ADDRESS = "/settings/programs/"


@pytest.fixture
def anna(client) -> User:
    user = person("anna", email="anna@office.example")
    client.force_login(user)
    return user


def test_the_key_is_kept_nowhere(anna) -> None:
    key = tokens.make(anna, name="report", now=NOW)
    assert re.fullmatch(r"[0-9a-f]{64}", key)
    assert tokens.owner(key, now=NOW) == anna
    [kept] = Token.objects.values()
    assert key not in str(kept)
    assert tokens.make(anna, name="report", now=NOW) != key


@pytest.mark.parametrize("change", [str.upper, lambda key: key[:-1], lambda key: key + "x", lambda key: ""])
def test_no_other_key_opens(anna, change) -> None:
    key = tokens.make(anna, name="report", now=NOW)
    assert tokens.owner(change(key), now=NOW) is None
    assert Token.objects.get().last_used_at is None


def test_the_digest_is_no_key(anna) -> None:
    tokens.make(anna, name="report", now=NOW)
    assert tokens.owner(Token.objects.get().digest, now=NOW) is None


def test_who_is_switched_off_gets_in_no_more(anna) -> None:
    program = Program.of(anna)
    assert program.get("credit/").status_code == 200
    User.objects.update(is_active=False)
    assert program.get("credit/").status_code == 401


def test_its_use_is_noted_now_and_then(anna) -> None:
    key = tokens.make(anna, name="report", now=NOW)
    tokens.owner(key, now=NOW)
    with CaptureQueriesContext(connection) as statements:
        tokens.owner(key, now=NOW + timedelta(minutes=4))
    assert len(statements) == 1
    assert Token.objects.get().last_used_at == NOW
    tokens.owner(key, now=NOW + timedelta(minutes=6))
    assert Token.objects.get().last_used_at == NOW + timedelta(minutes=6)


def test_the_command_prints_a_token_and_nothing_else(anna, capsys) -> None:
    call_command("token", "anna")
    call_command("token", "anna", "--name", "x" * 100)
    first, second = capsys.readouterr().out.splitlines()
    assert tokens.owner(first, now=NOW) == tokens.owner(second, now=NOW) == anna
    assert Token.objects.filter(name="manage.py token").exists()


def test_the_command_says_why_it_prints_none(anna) -> None:
    with pytest.raises(CommandError, match="no user 'nobody'"):
        call_command("token", "nobody")
    User.objects.update(is_active=False)
    with pytest.raises(CommandError, match="switched off"):
        call_command("token", "anna")


def test_the_settings_make_a_token_and_show_it_once(client, anna) -> None:
    answer = client.post(ADDRESS, {"name": "Report of Monday"})
    [key] = re.findall(r'<code class="key">([0-9a-f]{64})</code>', answer.content.decode())
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]
    assert Program(key).get("credit/").status_code == 200
    page = client.get(ADDRESS).content.decode()
    assert "Report of Monday" in page
    assert key not in page


def test_a_token_needs_a_name(client, anna) -> None:
    answer = client.post(ADDRESS, {"name": " "})
    assert answer.status_code == 422
    assert not Token.objects.exists()


def test_the_owner_takes_a_token_back(client, anna) -> None:
    program = Program.of(anna)
    answer = client.post(f"{ADDRESS}{Token.objects.get().pk}/revoke/", follow=True)
    assert "opens nothing any more" in answer.content.decode()
    assert program.get("credit/").status_code == 401


def test_another_s_tokens_are_neither_seen_nor_taken_back(client, anna) -> None:
    carla = person("carla")
    program = Program.of(carla)
    Token.objects.update(name="Carla's own")
    assert "Carla" not in client.get(ADDRESS).content.decode()
    assert client.post(f"{ADDRESS}{Token.objects.get().pk}/revoke/").status_code == 404
    assert program.get("credit/").status_code == 200


@pytest.mark.django_db(transaction=True)
def test_the_page_at_a_desk_and_on_a_phone(page, live_server, sign_in) -> None:
    anna = person("anna")
    tokens.make(anna, name="Report of Monday", now=NOW)
    sign_in(page, anna)
    page.goto(f"{live_server.url}/settings/")
    page.get_by_role("link", name="Programs").click()
    axe(page)
    page.get_by_label("What is it for?").fill("Garage")
    page.get_by_label("What is it for?").press("Enter")
    page.locator("code.key").wait_for()
    axe(page)
    page.get_by_role("button", name="Take back Report of Monday").click()
    page.get_by_text("opens nothing any more").wait_for()
    assert list(Token.objects.values_list("name", flat=True)) == ["Garage"]
