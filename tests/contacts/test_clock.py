"""What runs by itself goes by the database's clock, whatever the clock of its machine says."""

from datetime import timedelta

from django.db import OperationalError
from django.utils import timezone

from contacts import clock
from sms import tasks
from tests.databases import Database


def test_on_postgresql_it_is_the_servers_clock(database: Database, monkeypatch):
    real = timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: real + timedelta(hours=5))
    off = clock.now() - real
    assert off < timedelta(minutes=1) if database.vendor == "postgresql" else off == timedelta(hours=5)


def test_it_goes_on_without_this_machines_clock(database: Database, monkeypatch):
    running = clock.Running()
    monkeypatch.setattr(timezone, "now", lambda: None)
    first = running()
    assert first <= running() < first + timedelta(minutes=1)


def test_it_is_read_again_each_minute_and_goes_on_where_the_database_is_away(monkeypatch):
    moment = timezone.now()
    running = clock.Running(at=moment, read=clock.time.monotonic() - 61)
    monkeypatch.setattr(clock, "now", lambda: moment + timedelta(hours=1))
    assert running() >= moment + timedelta(hours=1)
    running.read -= 61

    def away():
        raise OperationalError

    monkeypatch.setattr(clock, "now", away)
    assert running() >= moment + timedelta(hours=1, seconds=61)


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
