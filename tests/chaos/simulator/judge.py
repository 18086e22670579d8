"""What must hold: at each call, and when a history has come to rest. The provider's journal judges, and plain SQL."""

import uuid
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from django.db import connection

from credit import books as credit_books
from sms import books
from sms.gateways.contract import HandOver
from sms.queue_sql import MAX_ATTEMPTS
from tests.chaos.simulator.office import DAILY_CAP
from tests.chaos.simulator.store import Store

if TYPE_CHECKING:
    from tests.chaos.simulator.history import History

_AUDIT: dict[int, str] = {}
REFUNDED = {"refused", "cancelled", "expired", "unconfirmed"}
SURELY_NOT_SENT = {"refused", "cancelled", "expired"}


def look_at_call(history: "History", alias: str, hand_over: HandOver) -> None:
    """Look at the books at the moment of a call, as the provider could if it had a look inside."""
    store, wrong = history.office.store, history.scheduler.wrong
    if store.in_transaction:
        wrong.append("a call while a transaction is open")
    [(state, attempt, gateway, handed_at)] = store.rows(
        "SELECT state, attempt, gateway, handed_at FROM sms_delivery WHERE id = ?", int(hand_over.reference)
    )
    if attempt == hand_over.attempt and state in ("queued", "refused", "cancelled", "expired"):
        wrong.append(f"a call for a delivery that is {state}")
    if gateway != alias:
        wrong.append(f"{alias} was called for a delivery of {gateway}")
    _look_at_hold(history, alias, handed_at)


def _look_at_hold(history: "History", alias: str, handed_at: datetime) -> None:
    """What staff held before the turn of a drain began is not handed over by it."""
    marked_at = handed_at.replace(tzinfo=UTC)
    held = [history.held[each] for each in ("", alias) if each in history.held]
    if any(marked_at > held_at for held_at in held) and not history.scheduler.sometimes["clock jumped"]:
        history.scheduler.wrong.append("handed over while held")


def judge(history: "History") -> Iterator[str]:
    """Yield one line for each thing that is wrong at the end."""
    now = history.scheduler.now()
    yield from _audit(history.office.store, now)
    rows = _deliveries(history)
    for row in rows:
        yield from _judge_delivery(history, row)
    yield from _judge_money(history, rows)
    yield from _judge_requests(history)
    yield from _judge_news(history, rows)
    yield from _judge_gateways(history)


class _Noted:
    """A cursor that only notes what it is asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.values: list[Any] = []

    def execute(self, sql: str, values: Sequence[Any] = ()) -> None:
        self.asked.append(sql)
        self.values += values

    def fetchall(self) -> list[Any]:
        return []

    def __enter__(self) -> "_Noted":
        return self

    def __exit__(self, *_raised: object) -> None: ...


def _audit(store: Store, now: datetime) -> list[str]:
    """Ask all that the product's own audit asks in one statement; one after the other where anything comes of it.

    The limits are left to F1: what they counted stands in no single statement.
    """
    noted = _Noted()
    with patch.dict(connection.__dict__, cursor=lambda: noted), patch("sms.limit_books.check", return_value=()):
        for _line in (*credit_books.check(), *books.check(now=now)):
            pass
    whole = _AUDIT.get(len(noted.asked)) or _AUDIT.setdefault(
        len(noted.asked), " UNION ALL ".join(f"SELECT * FROM ({sql})" for sql in noted.asked).replace("%s", "?")
    )
    return [*credit_books.check(), *books.check(now=now)] if store.rows(whole, *noted.values) else []


def _deliveries(history: "History") -> list[tuple[Any, ...]]:
    return history.office.store.rows(
        """SELECT d.id, d.state, d.attempt, d.message_id, d.position, m.parts_each, m.price, m.from_allowance,
                d.refund_id, m.charge_id
            FROM sms_delivery d JOIN sms_message m ON m.id = d.message_id"""
    )


def _judge_delivery(history: "History", row: tuple[Any, ...]) -> Iterator[str]:
    pk, state, attempt = row[:3]
    journal = history.cause.journal
    left, calls = journal.left[str(pk)], journal.calls[str(pk)]
    if left > 1:
        yield f"delivery {pk} left {left} times"
    if state == "sent" and not left:
        yield f"delivery {pk} is sent and never left"
    if state in SURELY_NOT_SENT and left:
        yield f"delivery {pk} is {state} and left"
    if state != "sent" and state not in REFUNDED:
        yield f"delivery {pk} is lost: still {state}"
    if calls > MAX_ATTEMPTS or calls > attempt:
        yield f"delivery {pk} was called {calls} times in {attempt} attempts"
    if state == "unconfirmed" and not history.disturbed and str(pk) not in journal.doubtful:
        yield f"delivery {pk} is in doubt, and nothing happened to it"


def _judge_money(history: "History", rows: list[tuple[Any, ...]]) -> Iterator[str]:
    """Count anew, in Python, what each account must hold: no figure of the product is believed."""
    owed: defaultdict[int, Counter[str]] = defaultdict(Counter)
    for pk, state, _attempt, _message, position, each, price, from_allowance, refund, charge in rows:
        by_allowance = max(0, min(each, from_allowance - position * each))
        owed[charge].update(parts=-by_allowance, amount=-(each - by_allowance) * price)
        if state in REFUNDED:
            owed[refund].update(parts=by_allowance, amount=(each - by_allowance) * price)
        elif refund is not None:
            yield f"delivery {pk} is {state} and paid back"
    entries = history.office.store.rows("SELECT id, kind, parts, amount FROM credit_entry")
    for pk, kind, parts, amount in entries:
        expected = owed.pop(pk, None)
        if kind in ("charge", "refund") and (
            expected is None or (parts, amount) != (expected["parts"], expected["amount"])
        ):
            yield f"entry {pk} ({kind}) is {parts} parts and {amount}, not {expected}"
    if owed:
        yield f"debits or refunds without an entry: {dict(owed)}"


def _judge_requests(history: "History") -> Iterator[str]:
    found = Counter(key for (key,) in history.office.store.rows("SELECT request_key FROM sms_message"))
    for asked in history.asked:
        key = asked.request.request_key
        if asked.answered and found[key] != 1:
            yield f"{key} was answered with a yes, and is there {found[key]} times"


def _judge_news(history: "History", rows: list[tuple[Any, ...]]) -> Iterator[str]:
    """Owners are told once of each message that ended without leaving; what they cancelled themselves they know."""
    told = {key for (key,) in history.office.store.rows("SELECT key FROM contacts_notice WHERE key LIKE 'sms:%'")}
    ended = {f"sms:{uuid.UUID(row[3])}:{row[1]}" for row in rows if row[1] in REFUNDED - {"cancelled"}}
    for key in ended - told:
        yield f"nobody was told: {key}"
    for key in {key for key in told if key.rsplit(":", 1)[1] in REFUNDED} - ended:
        yield f"told of what did not happen: {key}"


def _judge_gateways(history: "History") -> Iterator[str]:
    for gateway in history.office.gateways:
        if gateway.most_under_way > gateway.window and not history.disturbed:
            yield f"{gateway.most_under_way} calls at once at {gateway.name}, whose window is {gateway.window}"
    over = history.cause.journal.numbers
    cap = DAILY_CAP
    for number, times in over.items():
        if times > cap and not history.disturbed:
            yield f"{number[-2:]} got {times} SMS"
