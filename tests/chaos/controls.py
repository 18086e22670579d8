"""Protections taken out of a child, for the controls (◆): a row counts only if it fails without them."""

from typing import Any


def send_again_what_was_being_sent() -> None:
    """Promise 4 taken out: what a dead worker was handing over is queued again."""
    from sms import queue_sql

    def reap(*, now: Any) -> int:
        return queue_sql._run(
            """UPDATE sms_delivery SET state = 'queued', not_before = %s, claim = NULL, lease_until = NULL
                WHERE state = 'sending' AND lease_until <= %s""",
            [now, now],
        )

    queue_sql.reap = reap


def claim_without_lease() -> None:
    """The fences of a claim taken out: no lock, no lease, and marking asks for no token."""
    from sms import queue_sql

    marks = queue_sql._fetch
    fences = (" FOR UPDATE SKIP LOCKED", " AND claim = %s", "state IN ('queued', 'unknown')")

    def fetch(sql: str, values: Any) -> Any:
        if "SET state = 'sending'" in sql:
            sql = sql.replace(fences[1], "").replace(fences[2], "state IN ('queued', 'unknown', 'sending')")
            values = [*values[:-2], values[-1]]
        return marks(sql.replace(fences[0], ""), values)

    queue_sql._fetch = fetch


def lock_no_account() -> None:
    """The lock of the account taken out: two may read the same balance before either writes."""
    from credit import charging

    def lock(**which: Any) -> Any:
        rows = charging.Account.objects.select_related("plan").filter(**which).order_by("pk")
        return {account.pk: account for account in rows}

    charging.lock = lock


def let_no_month_end() -> None:
    """The window in the query taken out: the last allowance pays, whatever the month."""
    from credit import charging

    def latest(accounts: Any, *, now: Any) -> Any:
        found = {each.account_id: each for each in charging.Allowance.objects.filter(account__in=accounts)[::-1]}
        missing = [account for account in accounts if account.pk not in found]
        return found | charging._begin_month(missing, now=now) if missing else found

    charging._current_allowances = lambda accounts, *, now: latest(list(accounts), now=now)


def count_what_was_read() -> None:
    """The addition in the database taken out: a counter is read, and written with one more."""
    from credit import limit_sql

    add = limit_sql.add

    def read_and_write(amounts: Any, numbers: Any, of: Any) -> Any:
        with limit_sql.connection.cursor() as cursor:
            cursor.execute("SELECT limit_id, of, minute, used FROM credit_limitcount")
            read = {(limit, of, minute): used for limit, of, minute, used in cursor.fetchall()}
            past = add(amounts, numbers, of)
            for key, amount in amounts.items():
                at = (key.limit_id, key.of, limit_sql.minute(key.starts_at))
                cursor.execute(
                    "UPDATE credit_limitcount SET used = %s WHERE limit_id = %s AND of = %s AND minute = %s",
                    [read.get(at, 0) + amount, *at],
                )
            return past

    limit_sql.add = read_and_write


def credit_whenever_told() -> None:
    """The comparison with our row taken out: whatever says that it was paid is believed."""
    from credit import topping_up

    topping_up.doubt_of = lambda _top_up, _paid: ""


def file_in_sight() -> None:
    """Filing out of sight taken out: contacts are in the book as soon as they are written."""
    from contacts import filing, import_filing
    from contacts.models import Contact

    file_many = filing.file_many

    def file(*arguments: Any, **more: Any) -> Any:
        made = file_many(*arguments, **more)
        Contact.objects.filter(pk__in=[each.pk for each in made]).update(deleted_at=None)
        return made

    import_filing.filing.file_many = file


def notice_no_copy() -> None:
    """Promise 9 taken out: what a restored copy says still waits is handed over."""
    from sms import continuity

    continuity.check = lambda *, now: True
    continuity.note = lambda *, now: None
