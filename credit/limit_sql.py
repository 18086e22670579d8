"""The two statements of the limits, the same few for one SMS or a list of 10,000, on PostgreSQL and SQLite."""

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from django.db import connection


class Key(NamedTuple):
    """One counter: the limit, what it counts for ("" where the limit itself says it), and when its window began."""

    limit_id: int
    of: str
    starts_at: datetime


class Row(NamedTuple):
    """One row of the rules. `sort`: limit, range, blocked or known; the other columns as that sort needs them."""

    sort: str
    id: int
    kind: str
    window: str
    of: str
    user_id: int | None
    most: int | None


def rules(user_ids: Collection[int], numbers: Collection[str]) -> list[Row]:
    """Return all limits, the refused ranges, and what is kept of these users and numbers (E.164)."""
    users = ", ".join(["%s"] * len(user_ids)) or "NULL"
    table, values = _column(list(numbers))
    rows = _fetch(
        f"""SELECT 'limit', id, kind, "window", of, user_id, most FROM credit_limit
                WHERE user_id IS NULL OR user_id IN ({users})
            UNION ALL SELECT 'range', id, '', '', prefix, NULL, NULL FROM credit_refusedrange WHERE active
            UNION ALL SELECT 'blocked', id, '', '', number, user_id, NULL FROM credit_blockednumber
                WHERE active AND (user_id IS NULL OR user_id IN ({users})) AND number IN ({table})
            UNION ALL SELECT 'known', id, '', '', country, user_id, NULL FROM credit_knowncountry
                WHERE user_id IN ({users})""",
        [*user_ids, *user_ids, *values, *user_ids],
    )
    return [Row(*row) for row in rows]


def add(amounts: Mapping[Key, int], *, most: Mapping[int, int]) -> dict[Key, int]:
    """Add to the counters and return those past `most` (by limit) now, each with what it stands at.

    Locks them, in the order of `amounts`, until the caller's transaction ends: all who count give them in one order.
    """
    table, values = _table([(*key, amount) for key, amount in amounts.items()])
    write = f"""INSERT INTO credit_limitcount (limit_id, of, starts_at, used)
        SELECT limit_id, of, starts_at, used FROM {table} WHERE true
        ON CONFLICT (limit_id, of, starts_at) DO UPDATE SET used = credit_limitcount.used + excluded.used
        RETURNING limit_id, of, starts_at, used"""
    if connection.vendor == "postgresql":
        past = f"""WITH counted AS ({write}) SELECT c.limit_id, c.of, c.starts_at, c.used FROM counted c
            JOIN unnest(%s::bigint[], %s::bigint[]) AS l(id, most) ON l.id = c.limit_id WHERE c.used > l.most"""
        return {Key(*row[:3]): row[3] for row in _fetch(past, [*values, [*most], [*most.values()]])}
    rows = [row for row in _fetch(write, values) if row[3] > most[row[0]]]
    return {Key(row[0], row[1], row[2].replace(tzinfo=UTC)): row[3] for row in rows}  # SQLite keeps no zone


def take_back(amounts: Mapping[Key, int]) -> None:
    """Subtract what was added in this transaction and then not accepted."""
    if amounts:
        table, values = _table([(*key, amount) for key, amount in amounts.items()])
        with connection.cursor() as cursor:
            cursor.execute(
                f"""UPDATE credit_limitcount SET used = credit_limitcount.used - t.used FROM {table}
                    WHERE credit_limitcount.limit_id = t.limit_id AND credit_limitcount.of = t.of
                        AND credit_limitcount.starts_at = t.starts_at""",
                values,
            )


def _table(rows: Sequence[tuple[int, str, datetime, int]]) -> tuple[str, list[Any]]:
    """Return SQL that reads `rows` as a table t, and its parameters."""
    if connection.vendor == "postgresql":
        sql = "unnest(%s::bigint[], %s::text[], %s::timestamptz[], %s::bigint[]) AS t(limit_id, of, starts_at, used)"
        return sql, [list(column) for column in zip(*rows, strict=True)]
    plain = [(limit, of, _at(starts_at), used) for limit, of, starts_at, used in rows]
    names = ("limit_id", "of", "starts_at", "used")
    columns = ", ".join(f"json_extract(value, '$[{place}]') AS {name}" for place, name in enumerate(names))
    return f"(SELECT {columns} FROM json_each(%s)) AS t", [json.dumps(plain)]


def _column(texts: Sequence[str]) -> tuple[str, list[Any]]:
    """Return SQL that reads `texts` as a column, and its parameter."""
    if connection.vendor == "postgresql":
        return "SELECT unnest(%s::text[])", [list(texts)]
    return "SELECT value FROM json_each(%s)", [json.dumps(list(texts))]


def _at(moment: datetime) -> Any:
    return connection.ops.adapt_datetimefield_value(moment)


def _fetch(sql: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return list(cursor.fetchall())
