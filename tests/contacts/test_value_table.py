"""Values read as a table in SQL come back as they went in, on both databases."""

import uuid
from datetime import UTC, datetime

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contacts.value_table import as_column, as_table

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))


def fetched(sql, values):
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchall()


def read_back(rows, columns):
    table, values = as_table("t", rows, columns)
    return fetched(f"SELECT {', '.join(columns)} FROM {table}", values)


@pytest.mark.parametrize(
    "text", ["", "a", 'say "hi"', "back\\slash", "NULL", "null", "{1,2}", "a,b", "'", "%s", " é \n👍", "\\\\x41"]
)
def test_any_text_comes_back(database, text):
    assert read_back([(text, 1), ("", 2)], ("said", "place")) == [(text, 1), ("", 2)]
    sql, values = as_column([text, "other"])
    assert fetched(f"SELECT %s IN ({sql})", [text, *values]) == [(True,)] or connection.vendor == "sqlite"


@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(texts, st.integers(-(2**63), 2**63 - 1)), min_size=1))
def test_any_rows_come_back_in_order(database, rows):
    assert read_back(rows, ("said", "number")) == rows


def test_nothing_is_an_empty_table(database):
    assert read_back([], ("said", "number")) == []
    sql, values = as_column([])
    assert fetched(sql, values) == []


def test_what_is_missing_comes_back_missing(database):
    assert read_back([("a", 1), (None, None)], ("said", "number")) == [("a", 1), (None, None)]


def test_moments_and_ids_are_those_that_the_database_keeps(database):
    moment, pk = datetime(2026, 11, 26, 12, 30, 1, 5, tzinfo=UTC), uuid.uuid4()
    [(read_moment, read_id)] = read_back([(moment, pk)], ("at", "id"))
    if database.vendor == "postgresql":
        assert (read_moment, read_id) == (moment, pk)
    else:
        assert (read_moment, read_id) == (connection.ops.adapt_datetimefield_value(moment), pk.hex)
