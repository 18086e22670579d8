"""Judges a row: the double's journal against our tables, our own audit, and sums made anew in plain SQL.

The journal is believed first: what it has left, whatever our tables say. Nothing here asks the product's code, save
the audit, which is judged with the rest.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from django.db import connection
from django.utils import timezone

from office import books

NOT_SENT = ("queued", "sending", "refused", "cancelled", "expired")
# Sums of one message at a time: what was charged, what went back, and what its deliveries say.
_SUMS = {
    "a message is not charged what its deliveries cost": """
        SELECT m.id FROM sms_message m JOIN credit_entry c ON c.id = m.charge_id
            JOIN LATERAL (SELECT count(*) AS n FROM sms_delivery d WHERE d.message_id = m.id) d ON TRUE
        WHERE -c.parts * m.price - c.amount <> d.n * m.parts_each * m.price""",
    "a message with deliveries has no charge": """
        SELECT DISTINCT m.id FROM sms_message m JOIN sms_delivery d ON d.message_id = m.id WHERE m.charge_id IS NULL""",
    "a charge without exactly one message": """
        SELECT c.id FROM credit_entry c LEFT JOIN sms_message m ON m.charge_id = c.id
        WHERE c.kind = 'charge' GROUP BY c.id HAVING count(m.id) <> 1""",
    "what went back is not what the ended deliveries cost": """
        SELECT m.id FROM sms_message m
            JOIN LATERAL (SELECT count(*) AS n FROM sms_delivery d WHERE d.message_id = m.id
                AND d.state IN ('refused', 'cancelled', 'expired', 'unconfirmed')) d ON TRUE
            LEFT JOIN LATERAL (SELECT sum(r.parts * m.price + r.amount) AS back FROM credit_entry r
                WHERE r.refunds_id = m.charge_id AND r.kind = 'refund') r ON TRUE
        WHERE COALESCE(r.back, 0) <> d.n * m.parts_each * m.price""",
    "a balance is not what came less what went": """
        SELECT a.id FROM credit_account a
            LEFT JOIN (SELECT account_id, sum(amount) AS amount FROM credit_entry GROUP BY 1) e ON e.account_id = a.id
        WHERE a.balance <> COALESCE(e.amount, 0) OR a.balance < 0""",
    "an allowance is not what came less what went": """
        SELECT w.id FROM credit_allowance w
            LEFT JOIN (SELECT allowance_id, sum(parts) AS parts FROM credit_entry GROUP BY 1) e ON e.allowance_id = w.id
        WHERE w.available <> COALESCE(e.parts, 0) OR w.available < 0""",
}


@dataclass(frozen=True)
class Taken:
    """What the double took: how often each of our references, per gateway, and to which numbers."""

    times: "Counter[tuple[str, int]]"
    numbers: dict[int, set[str]]

    def by_id(self) -> "Counter[int]":
        found: Counter[int] = Counter()
        for (alias, pk), times in self.times.items():
            found[pk] += 1 if alias == "dedup" else times
        return found


def read(journal: Path) -> Taken:
    times: Counter[tuple[str, int]] = Counter()
    numbers: dict[int, set[str]] = {}
    for line in journal.read_text().splitlines() if journal.exists() else ():
        alias, pk, number, _at = line.split()
        times[alias, int(pk)] += 1
        numbers.setdefault(int(pk), set()).add(number)
    return Taken(times, numbers)


def books_are_right() -> Iterator[str]:
    """The audit, and the same sums in other words."""
    yield from books.check(now=timezone.now())
    for sentence, sql in _SUMS.items():
        ids = [str(row[0]) for row in _rows(f"{sql} LIMIT 10")]
        if ids:
            yield f"{sentence}: {', '.join(ids)}"


def deliveries_are_right(journal: Path) -> Iterator[str]:
    """Each delivery against the journal: none doubled, none not sent that left, none sent that did not."""
    by_id = read(journal).by_id()
    rows = {pk: (state, number) for pk, state, number in _rows("SELECT id, state, number FROM sms_delivery")}
    for pk, (state, _number) in rows.items():
        if by_id[pk] > 1:
            yield f"doubled: delivery {pk} left {by_id[pk]} times"
        if by_id[pk] and state in NOT_SENT:
            yield f"delivery {pk} is {state}, but the journal has it"
        if not by_id[pk] and state == "sent":
            yield f"delivery {pk} is sent, but the journal does not have it"
    for pk, numbers in read(journal).numbers.items():
        if pk in rows and numbers != {rows[pk][1]}:
            yield f"delivery {pk} went to another number"


def none_lost(accepted: int) -> Iterator[str]:
    """All that was accepted is there, and nothing waits for ever."""
    [(there, open_)] = _rows(
        "SELECT count(*), count(*) FILTER (WHERE state IN ('queued', 'sending')) FROM sms_delivery"
    )
    if there != accepted:
        yield f"lost: {accepted} accepted, {there} in the table"
    if open_:
        yield f"lost: {open_} of {accepted} still wait"


def unknown(*, dedup: bool = False, attempts_below: int = 99, reason: str = "") -> int:
    """How many deliveries are of unknown outcome, at gateways that de-duplicate or at the others."""
    if reason:
        return int(_rows(f"SELECT count(*) FROM sms_delivery WHERE state = 'unknown' AND reason = '{reason}'")[0][0])
    sign = "=" if dedup else "<>"
    [(found,)] = _rows(
        f"""SELECT count(*) FROM sms_delivery
            WHERE state = 'unknown' AND gateway {sign} 'dedup' AND attempt < {attempts_below}"""
    )
    return int(found)


def state_counts() -> dict[str, int]:
    return dict(_rows("SELECT state, count(*) FROM sms_delivery GROUP BY 1 ORDER BY 1"))


def _rows(sql: str) -> list[tuple]:  # type: ignore[type-arg]
    with connection.cursor() as cursor:
        cursor.execute(sql.replace("%", "%%") if "%" in sql else sql)
        return list(cursor.fetchall())
