"""Proves that every delivery was paid once, and that nothing lies about; run by `manage.py audit`."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection

from credit.books import missing_triggers
from sms import limit_books, sweeper, triggers

# The parts that the allowance paid of a delivery: what it had left at its position, from none to all of them.
_LEFT = "m.from_allowance - d.position * m.parts_each"
_SHARE = f"(CASE WHEN {_LEFT} <= 0 THEN 0 WHEN {_LEFT} >= m.parts_each THEN m.parts_each ELSE {_LEFT} END)"
_CHECKS = {
    "charged otherwise than its parts: message": """
        SELECT m.id FROM sms_message m JOIN credit_entry e ON e.id = m.charge_id
        WHERE e.kind <> 'charge' OR e.parts <> -m.from_allowance
            OR e.amount <> -(m.parts_each * m.recipients - m.from_allowance) * m.price""",
    "accepted without its deliveries: message": """
        SELECT m.id FROM sms_message m LEFT JOIN sms_delivery d ON d.message_id = m.id WHERE m.state = 'accepted'
        GROUP BY m.id, m.recipients HAVING COUNT(d.id) <> m.recipients OR MAX(d.position) <> m.recipients - 1""",
    "deliveries of a message that was not accepted: message": """
        SELECT DISTINCT m.id FROM sms_message m JOIN sms_delivery d ON d.message_id = m.id
        WHERE m.state <> 'accepted'""",
    "a charge without its message: entry": """
        SELECT e.id FROM credit_entry e LEFT JOIN sms_message m ON m.charge_id = e.id
        WHERE e.kind = 'charge' AND m.id IS NULL""",
    "a refund that is not the shares of its deliveries: entry": f"""
        SELECT e.id FROM credit_entry e LEFT JOIN sms_delivery d ON d.refund_id = e.id
            LEFT JOIN sms_message m ON m.id = d.message_id
        WHERE e.kind = 'refund' GROUP BY e.id, e.parts, e.amount, e.debt
        HAVING e.parts <> COALESCE(SUM({_SHARE}), 0)
            OR e.amount - e.debt <> COALESCE(SUM((m.parts_each - {_SHARE}) * m.price), 0)""",
    "refunded from another charge than its own: delivery": """
        SELECT d.id FROM sms_delivery d JOIN sms_message m ON m.id = d.message_id
            JOIN credit_entry e ON e.id = d.refund_id
        WHERE e.kind <> 'refund' OR e.refunds_id <> m.charge_id""",
    "sent without a reference or evidence: delivery": """
        SELECT id FROM sms_delivery WHERE state = 'sent' AND reference = '' AND receipt = 0""",
    "more than five attempts: delivery": "SELECT id FROM sms_delivery WHERE attempt > 5",
}
_LIMITS = {
    "queued past its validity: delivery": ("state = 'queued' AND valid_until < %s", timedelta(minutes=10)),
    "being handed over for too long: delivery": ("state = 'sending' AND lease_until < %s", timedelta(minutes=10)),
    "with our relay for too long: delivery": (
        "state = 'relayed' AND state_at < %s",
        sweeper.RELAYED_FOR + timedelta(minutes=10),
    ),
    "unknown for too long: delivery": (
        "state = 'unknown' AND state_at < %s",
        sweeper.UNKNOWN_FOR + timedelta(minutes=10),
    ),
}


def check(*, now: datetime) -> Iterator[str]:
    """Yield one line for each thing that is off: what is wrong, and the ids of the rows."""
    for sentence, sql in _CHECKS.items():
        yield from _off(sentence, f"{sql} ORDER BY 1 LIMIT 20", [])
    for sentence, (where, after) in _LIMITS.items():
        sql = f"SELECT id FROM sms_delivery WHERE {where} ORDER BY 1 LIMIT 20"
        yield from _off(sentence, sql, [connection.ops.adapt_datetimefield_value(now - after)])
    yield from _over_daily_cap(now)
    yield from limit_books.check()
    yield from (f"trigger missing: {name}" for name in missing_triggers(triggers.NAMES))


def _over_daily_cap(now: datetime) -> Iterator[str]:
    """Name deliveries, not numbers: what the audit prints may be kept in a log."""
    sql = """SELECT MAX(id) FROM sms_delivery WHERE handed_at > %s GROUP BY number
        HAVING COUNT(*) > %s ORDER BY 1 LIMIT 20"""
    since = connection.ops.adapt_datetimefield_value(now - timedelta(days=1))
    yield from _off("a number got more than its daily cap: delivery", sql, [since, settings.SMS_DAILY_CAP])


def _off(sentence: str, sql: str, values: list[Any]) -> Iterator[str]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        ids = [str(row[0]) for row in cursor.fetchall()]
    if ids:
        yield f"{sentence} {', '.join(ids)}"
