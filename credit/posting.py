"""Posting: the figures of locked rows and the entries that say why they moved, written together.

One statement on PostgreSQL, where each costs as much to send and to plan as to run; one a table on SQLite.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection

from contacts.value_table import as_table
from credit.models import Account, Allowance, Entry

_OPTIONAL = ("allowance_id", "refunds_id", "by_id")
_COLUMNS = (
    "account_id", "kind", "parts", "amount", "debt", "key", "occasion", "reference", "why", "created_at", *_OPTIONAL,
)  # fmt: skip

Statement = tuple[str, list[Any]]


def post(
    entries: Sequence[Entry], *, allowances: Iterable[Allowance] = (), accounts: Iterable[Account] = ()
) -> None:  # fmt: skip
    """Write what the allowances and accounts hold now, and the entries, in their order; the entries get their ids.

    Needs the transaction in which the rows were locked. Raises IntegrityError where an account has an entry of the same
    key already, and where a figure would break a rule of its table; then nothing of it is written.
    """
    windows = {each.pk: (each.granted, each.available) for each in allowances}
    balances = {each.pk: (each.balance, each.debt) for each in accounts}
    statements = []
    if windows:
        statements.append(_update("credit_allowance", windows, "granted", "available"))
    if balances:
        statements.append(_update("credit_account", balances, "balance", "debt"))
    if entries:
        statements.append(_insert(entries))
    rows = _run(statements)
    ids = {(account_id, key): pk for account_id, key, pk in rows}
    for entry in entries:
        entry.pk = ids[entry.account_id, entry.key]
        entry._state.adding, entry._state.db = False, connection.alias


def _update(table: str, figures: dict[int, tuple[int, int]], *columns: str) -> Statement:
    given, values = as_table("t", [(pk, *both) for pk, both in figures.items()], ("id", *columns))
    written = ", ".join(f"{column} = t.{column}" for column in columns)
    return f"UPDATE {table} SET {written} FROM {given} WHERE {table}.id = t.id", values


def _insert(entries: Sequence[Entry]) -> Statement:
    given, values = as_table("t", [_row(each) for each in entries], _COLUMNS)
    read = ", ".join(f"NULLIF(t.{column}, 0)" if column in _OPTIONAL else f"t.{column}" for column in _COLUMNS)
    into = ", ".join(_COLUMNS)
    return f"INSERT INTO credit_entry ({into}) SELECT {read} FROM {given} RETURNING account_id, key, id", values


def _row(entry: Entry) -> Sequence[Any]:
    """Return the values of `_COLUMNS`; 0 for none, since a column of a table of values is of one type."""
    return (
        entry.account_id, str(entry.kind), entry.parts, entry.amount, entry.debt, entry.key, str(entry.occasion),
        entry.reference, entry.why, entry.created_at, entry.allowance_id or 0, entry.refunds_id or 0, entry.by_id or 0,
    )  # fmt: skip


def _run(statements: Sequence[Statement]) -> list[tuple[Any, ...]]:
    """Run them in one on PostgreSQL, else one by one; return the rows of the last."""
    if len(statements) > 1 and connection.vendor == "postgresql":
        *first, (last, _values) = statements
        named = ", ".join(f"w{place} AS ({sql})" for place, (sql, _values) in enumerate(first))
        statements = [(f"WITH {named} {last}", [value for _sql, values in statements for value in values])]
    rows: list[tuple[Any, ...]] = []
    with connection.cursor() as cursor:
        for sql, values in statements:
            cursor.execute(sql, values)
            rows = cursor.fetchall() if cursor.description else []
    return rows
