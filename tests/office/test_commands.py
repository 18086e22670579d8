"""`hold`, `release`, `audit` and `seen` say what they did, and their exit says whether it was good."""

import io
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from office import seen
from sms import holding
from tests.people import person

pytestmark = pytest.mark.django_db


def command(*words: str) -> str:
    said = io.StringIO()
    call_command(*words, stdout=said)
    return said.getvalue()


def test_all_is_held_with_a_reason_and_released():
    assert "All hand-over is held" in command("hold", "--why", "the mast is down")
    assert holding.held("memory")
    assert "was held already" in command("hold", "--why", "another")
    assert command("release") == "All hand-over goes on.\n"
    assert not holding.held("memory")
    assert "was not held" in command("release")


def test_one_gateway_is_held_alone_and_what_stays_held_is_said(settings):
    settings.SMS_GATEWAYS = {"ours": {}, "theirs": {}}
    assert "The gateway ours is held" in command("hold", "--why", "no contract", "ours")
    assert holding.held("ours")
    assert not holding.held("theirs")
    said = command("release")
    assert "All hand-over was not held." in said
    assert "The gateway ours is still held: no contract" in said
    assert "The gateway ours goes on." in command("release", "ours")


def test_a_gateway_that_left_the_settings_can_still_be_released(settings):
    holding.hold(why="gone", alias="old", now=timezone.now())
    settings.SMS_GATEWAYS = {}
    assert "The gateway old goes on." in command("release", "old")


@pytest.mark.parametrize("words", [("hold",), ("hold", "--why", "  "), ("hold", "--why", "x", "nosuch")])
def test_a_hold_needs_a_reason_and_a_gateway_that_exists(words):
    with pytest.raises(CommandError):
        command(*words)
    assert not holding.held("memory", "nosuch")


def test_right_books_are_said_to_be_right():
    person()
    assert command("audit") == "The books are right.\n"


def test_wrong_books_are_named_and_the_exit_is_1():
    from credit.models import Account

    person()
    Account.objects.update(balance=1)
    said = io.StringIO()
    with pytest.raises(CommandError, match="off") as failed:
        call_command("audit", stdout=said)
    assert failed.value.returncode == 1
    assert "balance is not the sum of its entries" in said.getvalue()


def test_who_was_seen_lately_is_healthy():
    with pytest.raises(CommandError):
        command("seen", "worker")
    seen.record("worker", now=timezone.now() - seen.LATELY)
    with pytest.raises(CommandError):
        command("seen", "worker")
    seen.record("worker", now=timezone.now() - seen.LATELY + timedelta(seconds=5))
    assert "at work" in command("seen", "worker")
    with pytest.raises(CommandError):
        command("seen", "dispatcher")
