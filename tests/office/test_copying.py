"""A whole office moves from SQLite to PostgreSQL and back: every row, no SMS twice, nothing half."""

import io
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import connection, connections
from django.utils import timezone

from contacts.models import Group, Membership, User
from credit.models import Entry
from office import books, copying, tokens
from sms import dispatch, holding, submission
from sms.models import Delivery, Slot
from tests import databases
from tests.databases import Database, connected
from tests.people import numbers, person

MAKERS = {"postgresql": databases.on_sqlite, "sqlite": databases.on_postgresql}


@pytest.fixture
def other(database: Database, test_folder: Path) -> Any:
    """Another office, in the other kind of database, with all that an office has."""
    with MAKERS[database.vendor](test_folder) as made:
        with connected(made):
            fill()
        yield made


def fill() -> None:
    now = timezone.now()
    anna = person("anna", parts=3, now=now)
    group = Group.objects.create(name="Team")
    Group.objects.update(created_at=now.replace(year=2020))
    Membership.objects.create(group=group, user=anna, role="owner")
    tokens.make(anna, name="script", now=now)
    send(anna, "sent", 3)
    dispatch.drain("memory", clock=timezone.now)
    send(anna, "waits", 2)
    send(anna, "planned", 1, release_at=now + timedelta(days=1))
    connection.close()


def send(user: User, key: str, count: int, **more: Any) -> None:
    to = [submission.Recipient(number) for number in numbers(count)]
    wanted = submission.Request(user, f"Crêpe {key}", to, "form", key, **more)
    submission.submit(wanted, now=timezone.now())


def rows() -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table, but for the hold."""
    return {
        model._meta.label: sorted(tuple(map(repr, row)) for row in model._base_manager.order_by().values_list())
        for model in apps.get_models(include_auto_created=True)
        if model is not Slot
    }


def moved(other: Database) -> str:
    said = io.StringIO()
    call_command("copy_from", other.url, stdout=said)
    return said.getvalue()


def test_every_row_is_there_and_the_books_are_right(database: Database, other: Database) -> None:
    said = moved(other)
    here = rows()
    with connected(other):
        there = rows()
        connection.close()
    assert here == there
    assert len(here["sms.Delivery"]) == 5
    assert "The books are right." in said
    assert list(books.check(now=timezone.now())) == []


def test_neither_hands_over_until_a_person_has_looked(database: Database, other: Database) -> None:
    moved(other)
    with connected(other):
        assert holding.held()
        assert dispatch.drain("memory", clock=timezone.now) == 0
        connection.close()
    assert dispatch.drain("memory", clock=timezone.now) == 0
    holding.release()
    assert dispatch.drain("memory", clock=timezone.now) == 2
    assert set(Delivery.objects.values_list("state", flat=True)) == {"sent"}


def test_what_comes_next_gets_an_id_of_its_own(database: Database, other: Database) -> None:
    moved(other)
    last = Entry.objects.latest("pk").pk
    anna = User.objects.get(username="anna")
    assert anna.check_password("demo-office")
    send(anna, "after", 1)
    assert Entry.objects.latest("pk").pk == last + 1
    person("ben")
    assert list(books.check(now=timezone.now())) == []


def test_a_database_with_people_is_left_as_it_is(database: Database, other: Database) -> None:
    person("carla")
    before = rows()
    with pytest.raises(CommandError, match="has users already"):
        moved(other)
    assert rows() == before
    with connected(other):
        assert not holding.held()
        connection.close()


def test_another_version_is_not_copied(database: Database, other: Database) -> None:
    with connected(other):
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM django_migrations WHERE app = 'sms'")
        connection.close()
    with pytest.raises(CommandError, match="migrate` with the office to copy"):
        moved(other)
    assert not User.objects.exists()


def test_a_failure_in_the_middle_leaves_nothing_behind(
    database: Database, other: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = rows()
    real: Callable[..., int] = copying._copy_table

    def failing(model: Any, cursor: Any) -> int:
        if model is Entry:
            cursor.execute("SELECT nothing FROM nowhere")
        return real(model, cursor)

    monkeypatch.setattr(copying, "_copy_table", failing)
    with pytest.raises(CommandError, match="nothing was copied"):
        moved(other)
    assert rows() == before
    assert copying.SOURCE not in connections.settings


@pytest.mark.parametrize(
    ("address", "sentence"), [("sqlite:////nowhere/at/all", "no file"), ("mysql://x", "as in DATABASE_URL")]
)
def test_what_is_no_office_is_named(address: str, sentence: str) -> None:
    with pytest.raises(CommandError, match=sentence):
        call_command("copy_from", address)
