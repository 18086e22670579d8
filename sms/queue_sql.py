"""The set-based statements of the queue, for PostgreSQL and SQLite: the only place where a delivery's state is written.

A batch of values travels as one parameter list and is read as a table in SQL: `unnest` on PostgreSQL, `json_each` on
SQLite. All functions run inside the caller's transaction; datetimes come from the caller's clock.
"""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from contacts import fault
from contacts.value_table import as_table
from credit.charging import Refund, refund_many

MAX_ATTEMPTS = 5
TURN_SECONDS = 0.02
IDS_LEFT_BEHIND = 10_000_000
# of a message whose sender chose no gateway: its deliveries may move to another
_FREE = "EXISTS (SELECT 1 FROM sms_message m WHERE m.id = sms_delivery.message_id AND m.gateway = '')"


@dataclass(frozen=True, slots=True)
class Queued:
    """What is put into the queue for one message: `to` holds (number, name, gateway) by position."""

    message_id: uuid.UUID
    to: Sequence[tuple[str, str, str]]
    lane: int
    not_before: datetime
    valid_until: datetime


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery that this drain has leased, with all that a hand-over needs.

    `doubtful`: an earlier attempt may have sent it. `may_send`: its owner is not suspended. `pinned`: no other gateway
    may have it, as its sender chose this one.
    """

    id: int
    message_id: uuid.UUID
    number: str
    text: str
    encoding: str
    parts: int
    doubtful: bool
    may_send: bool
    pinned: bool = False


@dataclass(frozen=True, slots=True)
class Ended:
    """A delivery that ended without leaving, and whose message it belongs to."""

    id: int
    message_id: uuid.UUID


def put(batch: Sequence[Queued], *, now: datetime) -> None:
    """Insert the deliveries of `batch`, one statement on PostgreSQL.

    A delivery's turn is its message's moment plus 20 ms a position, so that a list of 10,000 leaves room between its
    rows for whatever comes after it (SPEED.md, decision 7).
    """
    rows = [
        (index, position, number, name, gateway)
        for index, queued in enumerate(batch)
        for position, (number, name, gateway) in enumerate(queued.to)
    ]
    messages = [(index, q.message_id, q.lane, q.not_before, q.valid_until) for index, q in enumerate(batch)]
    turn = _plus("m.not_before", f"d.position * {TURN_SECONDS}")
    row_table, row_values = as_table("d", rows, ("message", "position", "number", "name", "gateway"))
    message_table, message_values = as_table("m", messages, ("message", "id", "lane", "not_before", "valid_until"))
    _run(
        f"""INSERT INTO sms_delivery (message_id, position, number, name, state, state_at, gateway, lane, turn_at,
                not_before, valid_until, attempt, reference, reason, receipt)
            SELECT m.id, d.position, d.number, d.name, 'queued', {_moment()}, d.gateway, m.lane, {turn},
                m.not_before, m.valid_until, 0, '', '', 0
            FROM {message_table} JOIN {row_table} ON d.message = m.message""",
        [_at(now), *message_values, *row_values],
    )


def remove(message_ids: Sequence[uuid.UUID]) -> None:
    """Take back deliveries put in this same transaction, whose message could not be paid."""
    table, values = as_table("r", [(each,) for each in message_ids], ("id",))
    _run(f"DELETE FROM sms_delivery WHERE message_id IN (SELECT id FROM {table})", values)


def claim(alias: str, *, token: int, limit: int, now: datetime, lease_until: datetime) -> list[Claimed]:
    """Lease up to `limit` due deliveries of the gateway to `token`, in their turn; never more than asked."""
    due = f"""SELECT id FROM sms_delivery
        WHERE state = 'queued' AND gateway = %s AND not_before <= %s AND valid_until > %s
            AND (lease_until IS NULL OR lease_until <= %s)
        ORDER BY lane, turn_at LIMIT {int(limit)}"""
    return _lease(due, [alias, _at(now), _at(now), _at(now)], token=token, lease_until=lease_until)


def claim_unknown(alias: str, *, token: int, limit: int, now: datetime, lease_until: datetime) -> list[Claimed]:
    """Lease deliveries of unknown outcome, to be handed over again under the same reference.

    Only for a gateway that de-duplicates by our reference (promise 4).
    """
    due = f"""SELECT id FROM sms_delivery
        WHERE state = 'unknown' AND gateway = %s AND not_before <= %s AND valid_until > %s AND attempt < {MAX_ATTEMPTS}
            AND (lease_until IS NULL OR lease_until <= %s)
        ORDER BY state_at LIMIT {int(limit)}"""
    return _lease(due, [alias, _at(now), _at(now), _at(now)], token=token, lease_until=lease_until)


def give_back(ids: Sequence[int], *, token: int) -> None:
    """End the leases of claimed deliveries that were not handed over."""
    table, values = as_table("r", [(each,) for each in ids], ("id",))
    _run(
        f"""UPDATE sms_delivery SET claim = NULL, lease_until = NULL
            WHERE id IN (SELECT id FROM {table}) AND claim = %s AND state IN ('queued', 'unknown')""",
        [*values, token],
    )


def mark_sending(ids: Sequence[int], *, token: int, now: datetime, lease_until: datetime) -> dict[int, int]:
    """Turn leased deliveries `sending`; return the attempt of each that may be called now, by id.

    What was cancelled, expired or claimed by another since is not returned, so a cancel beats a prefetch.
    """
    table, values = as_table("r", [(each,) for each in sorted(ids)], ("id",))  # in the order in which a cancel locks
    rows = _fetch(
        f"""UPDATE sms_delivery SET state = 'sending', attempt = attempt + 1, state_at = %s, handed_at = %s,
                lease_until = %s
            FROM {table}
            WHERE sms_delivery.id = r.id AND state IN ('queued', 'unknown') AND claim = %s
                AND valid_until > %s AND attempt < {MAX_ATTEMPTS}
            RETURNING sms_delivery.id, attempt""",
        [_at(now), _at(now), _at(lease_until), *values, token, _at(now)],
    )
    return dict(rows)


def record_sent(rows: Sequence[tuple[int, str]], *, alias: str, now: datetime) -> None:
    """Write down the gateway's yes for (id, reference): any attempt's yes ends every delivery that has not ended."""
    table, values = as_table("r", rows, ("id", "reference"))
    _run(
        f"""UPDATE sms_delivery SET state = 'sent', sent_at = {_moment()}, state_at = {_moment()}, gateway = %s,
                reference = r.reference, reason = '', claim = NULL, lease_until = NULL
            FROM {table}
            WHERE sms_delivery.id = r.id AND state IN ('queued', 'sending', 'relayed', 'unknown')""",
        [_at(now), _at(now), alias, *values],
    )


def record_relayed(rows: Sequence[tuple[int, int, str]], *, now: datetime) -> None:
    """Write down (id, attempt, reference) that a relay of our own has taken."""
    table, values = as_table("r", rows, ("id", "attempt", "reference"))
    _run(
        f"""UPDATE sms_delivery SET state = 'relayed', state_at = {_moment()}, reference = r.reference, reason = '',
                claim = NULL, lease_until = NULL
            FROM {table} WHERE sms_delivery.id = r.id AND sms_delivery.attempt = r.attempt AND state = 'sending'""",
        [_at(now), *values],
    )


def record_receipts(rows: Sequence[tuple[int, int, datetime]]) -> None:
    """Write down (id, receipt, moment of the receipt)."""
    table, values = as_table("r", rows, ("id", "receipt", "receipt_at"))
    sql = f"UPDATE sms_delivery SET receipt = r.receipt, receipt_at = r.receipt_at FROM {table}"
    _run(f"{sql} WHERE sms_delivery.id = r.id", values)


def record_unknown(rows: Sequence[tuple[int, int, str, datetime]], *, now: datetime) -> None:
    """Write down (id, attempt, why, not before) whose outcome nobody knows."""
    table, values = as_table("r", rows, ("id", "attempt", "why", "not_before"))
    _run(
        f"""UPDATE sms_delivery SET state = 'unknown', state_at = {_moment()}, reason = r.why,
                not_before = r.not_before, claim = NULL, lease_until = NULL
            FROM {table} WHERE sms_delivery.id = r.id AND sms_delivery.attempt = r.attempt AND state = 'sending'""",
        [_at(now), *values],
    )


def record_not_sent(rows: Sequence[tuple[int, int, str, datetime, str]], *, now: datetime) -> None:
    """Put back into the queue (id, attempt, why, not before, gateway) that were proved not sent."""
    table, values = as_table("r", rows, ("id", "attempt", "why", "not_before", "gateway"))
    _run(
        f"""UPDATE sms_delivery SET state = 'queued', state_at = {_moment()}, reason = r.why,
                not_before = r.not_before, turn_at = r.not_before, gateway = r.gateway, claim = NULL, lease_until = NULL
            FROM {table} WHERE sms_delivery.id = r.id AND sms_delivery.attempt = r.attempt AND state = 'sending'""",
        [_at(now), *values],
    )


def end_attempts(rows: Sequence[tuple[int, int, str]], *, now: datetime) -> list[Ended]:
    """Refuse and refund (id, attempt, reason) of calls that ended in a permanent no."""
    table, values = as_table("r", rows, ("id", "attempt", "reason"))
    where = f"JOIN {table} ON r.id = d.id AND r.attempt = d.attempt WHERE d.state = 'sending'"
    return _end("refused", f"{where} ORDER BY d.id", values, now=now, reasons={row[0]: row[2] for row in rows})


def refuse(ids: Sequence[int], *, reason: str, now: datetime) -> list[Ended]:
    """Refuse and refund deliveries that are queued or with our relay."""
    table, values = as_table("r", [(each,) for each in ids], ("id",))
    where = f"JOIN {table} ON r.id = d.id WHERE d.state IN ('queued', 'relayed')"
    return _end("refused", f"{where} ORDER BY d.id", values, now=now, reason=reason)


def cancel(message_id: uuid.UUID, *, now: datetime) -> list[Ended]:
    """Cancel and refund what of a message has not been handed over."""
    where = "WHERE d.message_id = %s AND d.state = 'queued' ORDER BY d.id"
    return _end("cancelled", where, [_uuid(message_id)], now=now, reason="by_owner")


def expire(*, now: datetime, limit: int) -> list[Ended]:
    """End and refund up to `limit` deliveries that waited past their validity."""
    where = f"WHERE d.state = 'queued' AND d.valid_until <= %s ORDER BY d.valid_until LIMIT {int(limit)}"
    return _end("expired", where, [_at(now)], now=now, reason="too_late", skip_locked=True)


def give_up_unknown(*, since: datetime, now: datetime, limit: int) -> list[Ended]:
    """End and refund up to `limit` deliveries of unknown outcome that nothing has settled since `since`."""
    where = f"WHERE d.state = 'unknown' AND d.state_at <= %s ORDER BY d.state_at LIMIT {int(limit)}"
    return _end("unconfirmed", where, [_at(since)], now=now, reason="unconfirmed", skip_locked=True)


def reap(*, now: datetime) -> int:
    """Call unknown what was being handed over when its worker's lease ended; return how many."""
    return _run(
        """UPDATE sms_delivery SET state = 'unknown', state_at = %s, reason = 'worker_gone', not_before = %s,
                claim = NULL, lease_until = NULL
            WHERE state = 'sending' AND lease_until <= %s""",
        [_at(now)] * 3,
    )


def doubt_relayed(*, since: datetime, now: datetime) -> int:
    """Call unknown what our relay took before `since` and the operator never answered; return how many."""
    return _run(
        """UPDATE sms_delivery SET state = 'unknown', state_at = %s, reason = 'no_receipt', not_before = valid_until
            WHERE state = 'relayed' AND state_at <= %s""",
        [_at(now), _at(since)],
    )


def doubt_waiting(*, now: datetime) -> int:
    """Call unknown what this copy of the database says waits or is being handed over; return how many.

    It may have left after the copy was made: an attempt that this copy does not know of.
    """
    _run(
        f"""UPDATE sms_delivery SET state = 'sending', attempt = attempt + 1, handed_at = %s
            WHERE state = 'queued' AND attempt < {MAX_ATTEMPTS}""",
        [_at(now)],
    )
    return _run(
        """UPDATE sms_delivery SET state = 'unknown', state_at = %s, reason = 'restored', not_before = %s,
                claim = NULL, lease_until = NULL
            WHERE state = 'sending'""",
        [_at(now)] * 2,
    )


def give_up_planned(*, reason: str, now: datetime) -> list[uuid.UUID]:
    """Do not accept the planned messages whose moment has come; return which."""
    rows = _fetch(
        """UPDATE sms_message SET state = 'not_accepted', why_not = %s
            WHERE state = 'planned' AND release_at <= %s RETURNING id""",
        [reason, _at(now)],
    )
    return [_as_uuid(row[0]) for row in rows]


def leave_ids_behind() -> None:
    """Jump over the ids that deliveries may have had after this copy was made: gateways know them as references."""
    if _on_postgresql():
        _fetch(
            """SELECT setval(pg_get_serial_sequence('sms_delivery', 'id'),
                nextval(pg_get_serial_sequence('sms_delivery', 'id')) + %s)""",
            [IDS_LEFT_BEHIND],
        )
    else:
        _run("UPDATE sqlite_sequence SET seq = seq + %s WHERE name = 'sms_delivery'", [IDS_LEFT_BEHIND])


def reroute(aliases: Sequence[str], *, to: str) -> int:
    """Move what waits for a gateway that is no longer configured; return how many. What is pinned to it stays.

    A drain that had leased any of it has it no more.
    """
    known = ", ".join(["%s"] * len(aliases))
    return _run(
        f"""UPDATE sms_delivery SET gateway = %s, claim = NULL, lease_until = NULL
            WHERE state = 'queued' AND gateway NOT IN ({known}) AND {_FREE}""",
        [to, *aliases],
    )


def move_waiting(alias: str, to: Sequence[tuple[str, str]], *, now: datetime) -> int:
    """Move what waits at `alias` to other gateways: `to` holds (prefix, alias), longest prefix first, "" for none.

    What waits was never sent, or proved not sent, so another gateway may have it, unless it is pinned to this one.
    A drain whose lease of it has ended, and which may only have been stalled, has it no more. Returns how many were
    moved.
    """
    cases = " ".join("WHEN number LIKE %s THEN %s" for _case in to)
    values = [value for prefix, target in to for value in (f"{prefix}%", target)]
    return _run(
        f"""UPDATE sms_delivery SET gateway = CASE {cases} END, claim = NULL, lease_until = NULL
            WHERE state = 'queued' AND gateway = %s AND (lease_until IS NULL OR lease_until <= %s)
                AND CASE {cases} ELSE '' END <> '' AND {_FREE}""",
        [*values, alias, _at(now), *values],
    )


def due(alias: str, *, now: datetime, state: str = "queued") -> bool:
    """Return whether anything in `state` waits that this gateway could be given now."""
    rows = _fetch(
        f"""SELECT 1 FROM sms_delivery
            WHERE state = '{state}' AND gateway = %s AND not_before <= %s AND valid_until > %s
                AND (lease_until IS NULL OR lease_until <= %s) LIMIT 1""",
        [alias, *[_at(now)] * 3],
    )
    return bool(rows)


def unknown_to_ask(alias: str, *, now: datetime, limit: int) -> list[int]:
    """Return deliveries of unknown outcome to ask the gateway about, and put off the next question by ten minutes."""
    return [
        row[0]
        for row in _fetch(
            f"""UPDATE sms_delivery SET not_before = %s WHERE id IN (
                    SELECT id FROM sms_delivery WHERE state = 'unknown' AND gateway = %s AND not_before <= %s
                    ORDER BY state_at LIMIT {int(limit)})
                RETURNING id""",
            [_at(now + timedelta(minutes=10)), alias, _at(now)],
        )
    ]


def handed_over(numbers: Iterable[str], *, since: datetime) -> dict[str, int]:
    """Return how many deliveries to each of `numbers` were handed over after `since`, where there are any."""
    table, values = as_table("r", [(number,) for number in set(numbers)], ("number",))
    rows = _fetch(
        f"""SELECT number, count(*) FROM sms_delivery
            WHERE number IN (SELECT number FROM {table}) AND handed_at > %s GROUP BY number""",
        [*values, _at(since)],
    )
    return dict(rows)


def _end(  # noqa: PLR0913
    state: str,
    where: str,
    values: Sequence[Any],
    *,
    now: datetime,
    reason: str = "",
    reasons: dict[int, str] | None = None,
    skip_locked: bool = False,
) -> list[Ended]:
    """Lock what `where` picks, refund each delivery's share to the pockets that paid, and end it."""
    lock = (" FOR UPDATE OF d" + (" SKIP LOCKED" if skip_locked else "")) if _on_postgresql() else ""
    rows = _fetch(
        f"""SELECT d.id, m.id, m.charge_id, m.from_allowance - d.position * m.parts_each, m.parts_each, m.price
            FROM sms_delivery d JOIN sms_message m ON m.id = d.message_id {where}{lock}""",
        values,
    )
    if not rows:
        return []
    parts: defaultdict[int, int] = defaultdict(int)
    amounts: defaultdict[int, int] = defaultdict(int)
    for _id, _message, charge_id, allowance_left, each, price in rows:
        from_allowance = max(0, min(each, allowance_left))
        parts[charge_id] += from_allowance
        amounts[charge_id] += (each - from_allowance) * price
    refunds = [Refund(charge_id, parts[charge_id], amounts[charge_id]) for charge_id in parts]
    entries = refund_many(refunds, occasion=state, now=now)
    fault.hit("queue.refunded")
    ended = [(row[0], entries[row[2]].pk, (reasons or {}).get(row[0], reason)) for row in rows]
    table, ended_values = as_table("r", ended, ("id", "refund", "reason"))
    _run(
        f"""UPDATE sms_delivery SET state = %s, state_at = {_moment()}, refund_id = r.refund, reason = r.reason,
                claim = NULL, lease_until = NULL
            FROM {table} WHERE sms_delivery.id = r.id""",
        [state, _at(now), *ended_values],
    )
    return [Ended(row[0], _as_uuid(row[1])) for row in rows]


def _lease(due: str, values: Sequence[Any], *, token: int, lease_until: datetime) -> list[Claimed]:
    if _on_postgresql():
        # Materialised, or the planner may run the limited scan more than once and lease more than asked.
        rows = _fetch(
            f"""WITH due AS MATERIALIZED ({due} FOR UPDATE SKIP LOCKED)
                UPDATE sms_delivery d SET claim = %s, lease_until = %s
                FROM due, sms_message m, contacts_user u
                WHERE d.id = due.id AND m.id = d.message_id AND u.id = m.user_id
                RETURNING d.lane, d.turn_at, d.id, d.message_id, d.number, m.text, m.encoding, m.parts_each,
                    d.state = 'unknown', u.is_active, m.gateway <> ''""",
            [*values, token, lease_until],
        )
    else:
        leased = _fetch(
            f"UPDATE sms_delivery SET claim = %s, lease_until = %s WHERE id IN ({due}) RETURNING id",
            [token, _at(lease_until), *values],
        )
        if not leased:
            return []
        table, ids = as_table("r", leased, ("id",))
        rows = _fetch(
            f"""SELECT d.lane, d.turn_at, d.id, d.message_id, d.number, m.text, m.encoding, m.parts_each,
                    d.state = 'unknown', u.is_active, m.gateway <> ''
                FROM {table} JOIN sms_delivery d ON d.id = r.id JOIN sms_message m ON m.id = d.message_id
                JOIN contacts_user u ON u.id = m.user_id""",
            ids,
        )
    return [_claimed(row) for row in sorted(rows)]


def _claimed(row: tuple[Any, ...]) -> Claimed:
    _lane, _turn_at, pk, message_id, number, text, encoding, parts, doubtful, may_send, pinned = row
    return Claimed(
        pk, _as_uuid(message_id), number, text, encoding, parts, bool(doubtful), bool(may_send), pinned=bool(pinned)
    )


def _plus(moment: str, seconds: str) -> str:
    """SQL for a moment some seconds later, in the form in which each database stores moments."""
    if _on_postgresql():
        return f"{moment} + {seconds} * interval '1 second'"
    return f"strftime('%%Y-%%m-%%d %%H:%%M:%%f', {moment}, ({seconds}) || ' seconds')"


def _moment() -> str:
    return "%s::timestamptz" if _on_postgresql() else "%s"


def _at(moment: datetime) -> Any:
    return connection.ops.adapt_datetimefield_value(moment)


def _uuid(value: uuid.UUID) -> str:
    return str(value) if _on_postgresql() else value.hex


def _as_uuid(value: Any) -> uuid.UUID:
    return value if isinstance(value, uuid.UUID) else uuid.UUID(value)


def _on_postgresql() -> bool:
    return connection.vendor == "postgresql"


def _run(sql: str, values: Sequence[Any]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return int(cursor.rowcount)


def _fetch(sql: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return list(cursor.fetchall())
