"""Protections, taken away one at a time: with each of these the simulator must find a violation, or it sees nothing."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any
from unittest.mock import patch

from contacts import notices
from sms import queue_sql
from tests.chaos.simulator.store import Store

Control = Callable[[Store], AbstractContextManager[Any]]


def _instead(old: str, new: str) -> Control:
    """Have the database get `new` where the product says `old`; both bear the same number of parameters."""
    assert old.count("%s") == new.count("%s")

    def rewritten(store: Store) -> AbstractContextManager[Any]:
        return store.rewriting(lambda sql: " ".join(sql.split()).replace(old, new))

    return rewritten


def _without(owner: Any, name: str, does: Any) -> Control:
    return lambda _store: patch.object(owner, name, does)


def _all_attempts(ids: Any, **_: Any) -> dict[int, int]:
    return dict.fromkeys(ids, 1)


CONTROLS: Mapping[str, Control] = {
    "sending is not written before the call": _without(queue_sql, "mark_sending", _all_attempts),
    "what a dead worker was sending is queued again": _instead(
        "SET state = 'unknown', state_at = %s, reason = 'worker_gone'",
        "SET state = 'queued', state_at = %s, reason = 'worker_gone'",
    ),
    "unknown is handed over again, whatever the gateway": _instead(
        "WHERE state = 'queued' AND gateway = %s AND not_before <= %s AND valid_until > %s AND (lease",
        "WHERE state IN ('queued', 'unknown') AND gateway = %s AND not_before <= %s AND valid_until > %s AND (lease",
    ),
    "a permanent no is written down twice": _instead(
        "WHERE d.state = 'sending' ORDER BY d.id", "WHERE d.state IN ('sending', 'refused') ORDER BY d.id"
    ),
    "a cancel does not look at the state": _instead(
        "d.message_id = %s AND d.state = 'queued'",
        "d.message_id = %s AND d.state IN ('queued', 'sending', 'cancelled')",
    ),
    "the slot is given to everybody": _instead(
        '("sms_slot"."owner" IS NULL OR "sms_slot"."lease_until" <= %s)',
        '("sms_slot"."owner" IS NULL OR 1 OR "sms_slot"."lease_until" <= %s)',
    ),
    "the owner is not told": _without(notices, "tell_many", lambda *_args, **_more: None),
}
