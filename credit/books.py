"""Proves that the figures of every account are the sums of its entries; run by `manage.py audit`."""

from collections.abc import Iterator

from django.db import connection

from credit import triggers

# an id as text: SQLite keeps it without its dashes
_TOP_UP = "REPLACE(CAST(t.id AS TEXT), '-', '') = REPLACE(e.reference, '-', '')"
_CHECKS = {
    "balance is not the sum of its entries: account": """
        SELECT a.id FROM credit_account a LEFT JOIN credit_entry e ON e.account_id = a.id
        GROUP BY a.id, a.balance HAVING a.balance <> COALESCE(SUM(e.amount), 0)""",
    "allowance is not the sum of its entries: allowance": """
        SELECT w.id FROM credit_allowance w LEFT JOIN credit_entry e ON e.allowance_id = w.id
        GROUP BY w.id, w.available HAVING w.available <> COALESCE(SUM(e.parts), 0)""",
    "debt is not the sum of its entries: account": """
        SELECT a.id FROM credit_account a LEFT JOIN credit_entry e ON e.account_id = a.id
        GROUP BY a.id, a.debt HAVING a.debt <> COALESCE(SUM(e.debt), 0)""",
    "a debt stands beside a balance: account": "SELECT id FROM credit_account WHERE debt < 0 OR debt * balance <> 0",
    "a pocket is below zero: account": "SELECT id FROM credit_account WHERE balance < 0",
    "charged outside its window: entry": """
        SELECT e.id FROM credit_entry e JOIN credit_allowance w ON w.id = e.allowance_id
        WHERE e.kind = 'charge' AND (e.created_at < w.starts_at OR e.created_at >= w.ends_at)""",
    "windows overlap: allowance": """
        SELECT w.id FROM credit_allowance w JOIN credit_allowance v ON v.account_id = w.account_id AND v.id <> w.id
        WHERE v.starts_at >= w.starts_at AND v.starts_at < w.ends_at""",
    "a month that is over was not lapsed: allowance": """
        SELECT w.id FROM credit_allowance w JOIN credit_allowance v ON v.account_id = w.account_id
        WHERE v.starts_at >= w.ends_at AND w.available > 0 GROUP BY w.id""",
    "an entry and its window belong to different accounts: entry": """
        SELECT e.id FROM credit_entry e JOIN credit_allowance w ON w.id = e.allowance_id
        WHERE e.account_id <> w.account_id""",
    "refunded more than was charged: entry": """
        SELECT c.id FROM credit_entry c JOIN credit_entry r ON r.refunds_id = c.id
        GROUP BY c.id, c.parts, c.amount HAVING SUM(r.parts) > -c.parts OR SUM(r.amount - r.debt) > -c.amount""",
    "a payment was not credited once, in full, to its own account: top-up": f"""
        SELECT t.id FROM credit_topup t LEFT JOIN credit_entry e ON e.kind = 'top_up' AND {_TOP_UP}
        GROUP BY t.id, t.state, t.amount, t.account_id
        HAVING COUNT(e.id) <> CASE t.state WHEN 'paid' THEN 1 ELSE 0 END
            OR COALESCE(SUM(e.amount - e.debt), 0) <> CASE t.state WHEN 'paid' THEN t.amount ELSE 0 END
            OR COALESCE(MIN(e.account_id), t.account_id) <> t.account_id""",
    "credited without a payment: entry": f"""
        SELECT e.id FROM credit_entry e LEFT JOIN credit_topup t ON {_TOP_UP}
        WHERE e.kind = 'top_up' AND t.id IS NULL""",
    "refunded more than was paid, or not as its refunds say: top-up": """
        SELECT t.id FROM credit_topup t LEFT JOIN credit_reversal r
            ON r.payment = t.payment AND r.kind = 'refund' AND r.booked
        GROUP BY t.id, t.refunded, t.amount HAVING t.refunded > t.amount OR t.refunded <> COALESCE(SUM(r.amount), 0)""",
    "taken back otherwise than its refunds and disputes say: top-up": f"""
        SELECT t.id FROM credit_topup t
        LEFT JOIN (SELECT payment, SUM(amount) AS taken FROM credit_reversal WHERE booked GROUP BY payment) r
            ON r.payment = t.payment
        LEFT JOIN credit_entry e ON e.kind IN ('pay_back', 'returned', 'dispute', 'won') AND {_TOP_UP}
        GROUP BY t.id, r.taken HAVING COALESCE(SUM(e.amount - e.debt), 0) <> -COALESCE(r.taken, 0)""",
    "a refund or dispute of a payment is not in the books: reversal": """
        SELECT r.id FROM credit_reversal r JOIN credit_topup t ON t.payment = r.payment AND t.state = 'paid'
        WHERE r.booked <> (r.standing = 'taken')""",
}


def check() -> Iterator[str]:
    """Yield one line for each thing that is off: what is wrong, and the ids of the rows."""
    with connection.cursor() as cursor:
        for sentence, sql in _CHECKS.items():
            cursor.execute(f"{sql} ORDER BY 1 LIMIT 20")
            ids = [str(row[0]) for row in cursor.fetchall()]
            if ids:
                yield f"{sentence} {', '.join(ids)}"
    yield from (f"trigger missing: {name}" for name in missing_triggers(triggers.NAMES))


def missing_triggers(names: tuple[str, ...]) -> list[str]:
    """Return those of `names` that are not installed in the database."""
    catalogue = {
        "postgresql": "SELECT tgname FROM pg_trigger WHERE tgenabled <> 'D'",
        "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger'",
    }[connection.vendor]
    with connection.cursor() as cursor:
        cursor.execute(catalogue)
        installed = {row[0] for row in cursor.fetchall()}
    return [name for name in names if name not in installed]
