"""A database that is away for a moment is said so, in words and with 503; everything else that breaks is a 500."""

import html
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test import Client

from tests.people import person
from tests.program import Program

HTMX = {"HX-Request": "true"}


def away(*_: Any) -> None:
    raise OperationalError("server closed the connection unexpectedly")


def broken(*_: Any) -> None:
    raise ValueError("as told")


@contextmanager
def failing(how: Callable[..., None]) -> Iterator[None]:
    with connection.execute_wrapper(how):
        yield


@pytest.fixture
def signed_in(db: None) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(person("anna", language="nl"))
    client.get("/settings/", headers={"Accept-Language": "nl"})
    return client


@pytest.mark.parametrize("path", ["/", "/sms/", "/settings/quota/account/"])
def test_a_page_says_that_it_lasts_a_moment(signed_in: Client, path: str) -> None:
    with failing(away):
        answer = signed_in.get(path, headers={"Accept-Language": "nl"})
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    page = html.unescape(answer.content.decode())
    assert '<html lang="nl">' in page
    assert "kan zijn gegevensbank niet bereiken" in page


def test_the_form_keeps_what_was_typed_and_says_so_above_it(signed_in: Client) -> None:
    page = signed_in.get("/sms/").content.decode()
    assert '{"code":"503","swap":true,"error":true}' in page
    with failing(away):
        answer = signed_in.post("/sms/", {"text": "Hello"}, headers={**HTMX, "Accept-Language": "nl"})
    assert (answer.status_code, answer["HX-Retarget"]) == (503, "#refused")
    assert "<html" not in answer.content.decode()
    assert "Wat u typte staat er nog" in answer.content.decode()


def test_what_looks_again_by_itself_stays_as_it_is(signed_in: Client) -> None:
    with failing(away):
        answer = signed_in.get("/settings/quota/account/figure/", headers=HTMX)
    assert (answer.status_code, answer["HX-Reswap"], answer.content) == (503, "none", b"")


def test_a_program_is_told_to_call_again(db: None) -> None:
    program = Program.of(person())
    with failing(away):
        answer = program.get("credit/")
    assert (answer.status_code, answer.json()["code"], answer["Retry-After"]) == (503, "away", "5")


def test_what_is_broken_is_not_called_away(signed_in: Client) -> None:
    with failing(broken):
        answer = signed_in.get("/", headers={"Accept-Language": "en"})
    assert answer.status_code == 500
    assert "Retry-After" not in answer
