"""Pages, calls and tasks go by the database's clock, whatever the clock of their machine says."""

from datetime import timedelta

import pytest
from django.db import OperationalError
from django.utils import timezone

from contacts import clock
from sms import tasks
from tests.databases import Database


def test_on_postgresql_it_is_the_servers_clock(database: Database, monkeypatch):
    real = timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: real + timedelta(hours=5))
    off = clock.read() - real
    assert off < timedelta(minutes=1) if database.vendor == "postgresql" else off == timedelta(hours=5)


def test_it_goes_on_without_this_machines_clock(database: Database, monkeypatch):
    running = clock.Running()
    monkeypatch.setattr(timezone, "now", lambda: None)
    first = running()
    assert first <= running() < first + timedelta(minutes=1)


def test_it_is_read_again_each_minute_and_goes_on_where_the_database_is_away(monkeypatch):
    moment = timezone.now()
    running = clock.Running((moment, clock.time.monotonic() - 61))
    monkeypatch.setattr(clock, "read", lambda: moment + timedelta(hours=1))
    assert running() >= moment + timedelta(hours=1)
    running.last = (running.last[0], running.last[1] - 61)

    def away():
        raise OperationalError

    monkeypatch.setattr(clock, "read", away)
    assert running() >= moment + timedelta(hours=1, seconds=61)


@pytest.fixture
def fresh(monkeypatch):
    """A process that has not asked for the time yet: the other tests move it by `timezone.now`."""
    monkeypatch.setattr(clock, "_running", [])


def test_a_page_knows_it_whatever_the_clock_of_its_machine_says(database: Database, monkeypatch, fresh):
    real = timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: real + timedelta(hours=5))
    off = clock.now() - real
    assert off < timedelta(minutes=1) if database.vendor == "postgresql" else off == timedelta(hours=5)


def test_many_pages_ask_the_database_once(database: Database, django_assert_num_queries, fresh):
    with django_assert_num_queries(database.vendor == "postgresql"):
        first, second = clock.now(), clock.now()
    assert first <= second


def test_where_the_database_never_answered_the_machine_s_own_clock_must_do(database: Database, monkeypatch, fresh):
    def away():
        raise OperationalError

    moment = timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: moment)
    monkeypatch.setattr(clock, "Running", away)
    assert clock.now() == moment


def test_the_tasks_hand_it_down(monkeypatch):
    seen = []
    moment = timezone.now() + timedelta(days=3)
    monkeypatch.setattr(clock, "now", lambda: moment)
    monkeypatch.setattr(tasks.sweeper, "sweep", lambda *, now: seen.append(now))
    monkeypatch.setattr(tasks.sweeper, "release", lambda *, now: seen.append(now))
    monkeypatch.setattr(tasks.receipts, "settle", lambda *, now: seen.append(now))
    for task in (tasks.sweep, tasks.release, tasks.settle_receipts):
        task()
    assert seen == [moment] * 3
