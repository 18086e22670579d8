"""The database fixture: fresh, shared by threads and processes, with the protections of production."""

import os
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.contrib.auth import get_user_model
from django.db import connection, transaction

from tests.databases import Database, ProcessFailed

ROUNDS = 25
LOCK = {"postgresql": " FOR UPDATE", "sqlite": ""}  # on SQLite every transaction is IMMEDIATE


def count_up(rounds: int) -> int:
    """Read, add one, write, in a transaction each; return the last number seen."""
    seen = 0
    for _ in range(rounds):
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SELECT number FROM counter{LOCK[connection.vendor]}")
            seen = cursor.fetchone()[0] + 1
            cursor.execute("UPDATE counter SET number = %s", [seen])
    return seen


def fail() -> None:
    raise ValueError("as intended")


def process_id() -> int:
    return os.getpid()


def make_counter() -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE counter (number integer)")
        cursor.execute("INSERT INTO counter VALUES (0)")


def read_counter() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT number FROM counter")
        return int(cursor.fetchone()[0])


def test_eight_processes_lose_no_write(database: Database) -> None:
    make_counter()
    answers = database.processes(8, count_up, ROUNDS)
    assert read_counter() == max(answers) == 8 * ROUNDS


def test_threads_see_what_the_test_committed(database: Database) -> None:
    make_counter()

    def in_a_thread() -> int:
        try:
            return count_up(1)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: in_a_thread(), range(4)))
    assert sorted(answers) == [1, 2, 3, 4]
    assert connection.vendor == database.vendor


@pytest.mark.parametrize("time", [1, 2])
def test_each_test_begins_empty_and_migrated(database: Database, time: int) -> None:
    users = get_user_model().objects
    assert users.count() == 0
    users.create_user(username=f"user{time}")


def test_each_process_is_one_of_its_own(database: Database) -> None:
    assert len({*database.processes(3, process_id), os.getpid()}) == 4


def test_a_child_that_raises_is_a_failure(database: Database) -> None:
    with pytest.raises(ProcessFailed, match="as intended"):
        database.processes(2, fail)


@pytest.mark.django_db
def test_afterwards_the_default_database_is_back() -> None:
    assert connection.vendor == "postgresql"
    assert "own_" not in connection.settings_dict["NAME"]
