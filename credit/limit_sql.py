"""The statements of the limits, the same few for one SMS or a list of 10,000, on PostgreSQL and SQLite.

On PostgreSQL one statement counts everything; on SQLite, which writes to one table at a time, it takes three.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from django.db import connection

from contacts.value_table import as_column, as_table

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Key(NamedTuple):
    """One counter: the limit, what it counts for ("" where the limit itself says it), and when its window began."""

    limit_id: int
    of: str
    starts_at: datetime


class Window(NamedTuple):
    """A limit in the window that began at `starts_at`."""

    limit_id: int
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
    table, values = as_column(numbers)
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


def add(amounts: Mapping[Key, int], numbers: Mapping[str, int], of: Collection[Window]) -> dict[Key, int]:
    """Add to the counters, and for each window `of` the limits of numbers to each of `numbers` (E.164).

    Returns those past their limit now, each with what it stands at. Locks all, in one order, until the caller's
    transaction ends: what many share comes first, as `amounts` say it, then the numbers.
    """
    writes = [_add_shared(amounts)] if amounts else []
    writes += [_add_numbers(numbers, of)] if numbers and of else []
    if connection.vendor == "postgresql" and writes:
        names = [f"w{place}" for place in range(len(writes))]
        counted = ", ".join(f"{name} AS ({sql})" for name, (sql, _values) in zip(names, writes, strict=True))
        past = " UNION ALL ".join(
            f"SELECT w.limit_id, CAST(w.of AS text), w.minute, w.used FROM {name} w"
            " JOIN credit_limit l ON l.id = w.limit_id WHERE w.used > l.most"
            for name in names
        )
        rows = _fetch(f"WITH {counted} {past}", [value for _sql, values in writes for value in values])
    else:
        most = dict(_fetch("SELECT id, most FROM credit_limit WHERE most IS NOT NULL", [])) if writes else {}
        rows = [row for sql, values in writes for row in _fetch(sql, values) if row[3] > most[row[0]]]
    single = {each.limit_id for each in of}
    return {
        Key(limit, f"+{of}" if limit in single else of, EPOCH + timedelta(minutes=minute)): used
        for limit, of, minute, used in rows
    }


def take_back(amounts: Mapping[Key, int]) -> None:
    """Subtract what was added in this transaction and then not accepted."""
    shared = [(key.limit_id, key.of, minute(key.starts_at), many) for key, many in amounts.items() if key.of[:1] != "+"]
    numbers = [
        (key.limit_id, int(key.of), minute(key.starts_at), many) for key, many in amounts.items() if key.of[:1] == "+"
    ]
    for table, column, rows in (("credit_limitcount", "of", shared), ("credit_numbercount", "number", numbers)):
        if rows:
            given, values = as_table("t", rows, ("limit_id", column, "minute", "used"))
            with connection.cursor() as cursor:
                cursor.execute(
                    f"""UPDATE {table} SET used = {table}.used - t.used FROM {given}
                        WHERE {table}.limit_id = t.limit_id AND {table}.{column} = t.{column}
                            AND {table}.minute = t.minute""",
                    values,
                )


def _add_shared(amounts: Mapping[Key, int]) -> tuple[str, list[Any]]:
    rows = [(key.limit_id, key.of, minute(key.starts_at), amount) for key, amount in amounts.items()]
    table, values = as_table("t", rows, ("limit_id", "of", "minute", "used"))
    sql = f"""INSERT INTO credit_limitcount (limit_id, of, minute, used)
        SELECT limit_id, of, minute, used FROM {table} WHERE true
        ON CONFLICT (limit_id, of, minute) DO UPDATE SET used = credit_limitcount.used + excluded.used
        RETURNING limit_id, of, minute, used"""
    return sql, values


def _add_numbers(numbers: Mapping[str, int], of: Collection[Window]) -> tuple[str, list[Any]]:
    begun = [(each.limit_id, minute(each.starts_at)) for each in of]
    windows, of_windows = as_table("l", begun, ("limit_id", "minute"))
    table, of_numbers = as_table("t", [(int(number), many) for number, many in numbers.items()], ("number", "used"))
    sql = f"""INSERT INTO credit_numbercount (number, limit_id, minute, used)
        SELECT t.number, l.limit_id, l.minute, t.used FROM {windows}, {table} WHERE true ORDER BY l.limit_id, t.number
        ON CONFLICT (number, limit_id, minute) DO UPDATE SET used = credit_numbercount.used + excluded.used
        RETURNING limit_id, number AS of, minute, used"""
    return sql, [*of_windows, *of_numbers]


def minute(moment: datetime) -> int:
    """Return a moment as the counters keep it, in minutes since 1970."""
    return int((moment - EPOCH).total_seconds() // 60)


def _fetch(sql: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return list(cursor.fetchall())
