"""The figures of quota and balance are of one instant, whoever sends and cancels meanwhile (S14)."""

from threading import Thread

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from credit import statement, views
from credit.allowance import standing
from office import quota
from sms import submission
from sms.submission import Recipient, Request
from tests.people import numbers, person
from tests.program import Program


@pytest.mark.row("S14")
def test_what_is_sent_between_two_statements_is_in_none_of_the_figures(database, monkeypatch):
    if database.vendor == "sqlite":
        return  # its one writer waits until the figures are read
    user = person(parts=10, now=timezone.now())

    monkeypatch.setattr(quota, "standing", standing_while_somebody_sends(user))
    found = quota.quota_of(user, now=timezone.now())
    assert found.has.granted == found.has.available + found.used.from_allowance + found.has.lapsed
    assert (found.has.available, standing(user, now=timezone.now()).available) == (10, 7)


@pytest.mark.row("S14")
def test_the_balance_and_the_first_line_of_its_statement_are_of_one_instant(database, monkeypatch):
    if database.vendor == "sqlite":
        return  # its one writer waits until the page is read
    user = person(parts=0, now=timezone.now())

    monkeypatch.setattr(views, "standing", standing_while_somebody_sends(user))
    client = Client()
    client.force_login(user)
    shown = client.get("/settings/account/balance/").context
    assert shown["has"].balance == shown["statement"].lines[0].left_amount
    assert standing(user, now=timezone.now()).balance < shown["has"].balance, "somebody did send meanwhile"


@pytest.mark.row("S14")
@pytest.mark.parametrize("address", ["/settings/account/statement/", "/settings/account/balance/"])
def test_a_line_that_came_after_the_balance_was_read_waits_for_the_next_page(database, monkeypatch, address):
    if database.vendor == "sqlite":
        return  # its one writer waits until the page is read
    user = person(parts=0, now=timezone.now())
    read_cursor = statement._read_cursor

    def interrupted(before):  # the account has been read, its lines have not
        elsewhere(lambda: send(user))
        return read_cursor(before)

    monkeypatch.setattr(statement, "_read_cursor", interrupted)
    client = Client()
    client.force_login(user)
    [first, *_others] = client.get(address).context["statement"].lines
    assert (first.kind, first.left_amount) == ("adjust", 50_000)


@pytest.mark.row("S14")
def test_a_program_s_statement_is_of_one_instant_too(database, monkeypatch):
    if database.vendor == "sqlite":
        return  # its one writer waits until the page is read
    user = person(parts=0, now=timezone.now())
    due = statement.due

    def interrupted(*arguments, **more):  # what lapses has been read, the lines have not
        found = due(*arguments, **more)
        elsewhere(lambda: send(user))
        return found

    monkeypatch.setattr(statement, "due", interrupted)
    program = Program.of(user)
    assert [each["kind"] for each in program.get("statement/").json()["results"]] == ["adjust"]
    monkeypatch.undo()
    assert [each["kind"] for each in program.get("statement/").json()["results"]] == ["charge", "adjust"]


def standing_while_somebody_sends(user):
    """Return `standing`, after which three SMS are sent on another connection before it answers."""

    def interrupted(*arguments, **more):
        found = standing(*arguments, **more)
        elsewhere(lambda: send(user))
        return found

    return interrupted


def elsewhere(do):
    """Do it on another connection, and wait for its end."""

    def done():
        try:
            do()
        finally:
            connection.close()

    thread = Thread(target=done)
    thread.start()
    thread.join()


def send(user):
    to = [Recipient(number) for number in numbers(3)]
    submission.submit(Request(user, "See you", to, "form", "k"), now=timezone.now())
