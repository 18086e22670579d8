# ruff: noqa: E501
"""The protections of the send and money path: what to take away, and the tests that must notice."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.chaos.sabotage.owners import owners

SQLITE = ("-k", "not postgresql")  # what both databases do alike is tried on the quicker one
QUEUE = ("tests/sms/test_queue_sql.py", *SQLITE)
MODELS = ("tests/sms/test_models.py", "tests/credit/test_models.py")


@dataclass(frozen=True)
class Protection:
    """One protection: its name, what the saboteur does, and the tests to run."""

    name: str
    damage: dict[str, object] = field(hash=False)
    tests: tuple[str, ...]


# function: (what stands there, what stands there then). The same words elsewhere are told apart by the function.
FENCES = [
    ("claim", "WHERE state = 'queued' AND gateway", "WHERE gateway"),
    ("claim", "gateway = %s AND not_before", "%s <> '' AND not_before"),
    ("claim", "not_before <= %s", "%s <> ''"),
    ("claim", "valid_until > %s", "%s <> ''"),
    ("claim", "lease_until <= %s", "%s <> ''"),
    ("claim_unknown", "state = 'unknown' AND", ""),
    ("claim_unknown", "gateway = %s AND not_before", "%s <> '' AND not_before"),
    ("claim_unknown", "not_before <= %s", "%s <> ''"),
    ("claim_unknown", "valid_until > %s", "%s <> ''"),
    ("claim_unknown", "attempt < {MAX_ATTEMPTS}", "attempt < 99"),
    ("claim_unknown", "lease_until <= %s", "%s <> ''"),
    ("mark_sending", "state IN ('queued', 'unknown') AND claim", "claim"),
    ("mark_sending", "claim = %s", "%s <> 0"),
    ("mark_sending", "valid_until > %s", "%s <> ''"),
    ("mark_sending", "attempt < {MAX_ATTEMPTS}", "attempt < 99"),
    ("give_back", "claim = %s", "%s <> 0"),
    ("give_back", "AND state IN ('queued', 'unknown')", ""),
    ("record_sent", "AND state IN ('queued', 'sending', 'relayed', 'unknown')", ""),
    ("record_relayed", "AND sms_delivery.attempt = r.attempt", ""),
    ("record_relayed", "AND state = 'sending'", ""),
    ("record_unknown", "AND sms_delivery.attempt = r.attempt", ""),
    ("record_unknown", "AND state = 'sending'", ""),
    ("record_not_sent", "AND sms_delivery.attempt = r.attempt", ""),
    ("record_not_sent", "AND state = 'sending'", ""),
    ("end_attempts", "AND r.attempt = d.attempt", ""),
    ("end_attempts", "WHERE d.state = 'sending'", ""),
    ("refuse", "WHERE d.state IN ('queued', 'relayed')", ""),
    ("cancel", "d.message_id = %s", "%s <> ''"),
    ("cancel", "AND d.state = 'queued'", ""),
    ("expire", "d.state = 'queued' AND", ""),
    ("expire", "d.valid_until <= %s", "%s <> ''"),
    ("give_up_unknown", "d.state = 'unknown' AND", ""),
    ("give_up_unknown", "d.state_at <= %s", "%s <> ''"),
    ("reap", "state = 'sending' AND", ""),
    ("reap", "lease_until <= %s", "%s <> ''"),
    ("doubt_relayed", "state = 'relayed' AND", ""),
    ("doubt_relayed", "state_at <= %s", "%s <> ''"),
    ("reroute", "state = 'queued' AND", ""),
    ("move_waiting", "state = 'queued' AND", ""),
    ("move_waiting", "gateway = %s AND", "%s <> '' AND"),
    ("move_waiting", "lease_until <= %s", "%s <> ''"),
]

# name: (file, what stands there, what stands there then, tests, whether they need PostgreSQL)
OTHERS: dict[str, tuple[str, str, str, tuple[str, ...], bool]] = {
    "a slot that another has is not taken": (
        "sms/slots.py", "update(owner=owner, lease_until=now + LEASE))", "update(owner=owner, lease_until=now + LEASE) or True)", QUEUE, False),
    "a slot is renewed by its owner": (
        "sms/slots.py", "if slot is None or slot.owner != owner:", "if slot is None:", QUEUE, False),
    "a slot is left by its owner": (
        "sms/slots.py", "Slot.objects.filter(alias=alias, owner=owner).update(owner=None", "Slot.objects.filter(alias=alias).update(owner=None", QUEUE, False),
    "a resting gateway is left alone": (
        "sms/slots.py", "Slot.objects.filter(free, rested, alias=alias)", "Slot.objects.filter(free, alias=alias)", QUEUE, False),
    "a held gateway is not handed anything": (
        "sms/slots.py", "held = any(each.held_at for each in found.values())", "held = False", ("tests/sms/test_dispatch.py", "-k", "held or hold"), False),
    "a claim looks at the hold": (
        "sms/dispatch.py", "if holding.held(self.alias):", "if False:", ("tests/sms/test_dispatch.py", "-k", "held or hold"), False),
    "a call begins before its lease can end": (
        "sms/dispatch.py", "if time.monotonic() > call.begin_before:", "if False:", ("tests/sms/test_dispatch.py", "-k", "stall or begin"), False),
    "sending is written before the call": (
        "sms/dispatch.py", "for row in slice_ if row.id in attempts]", "for row in slice_]", ("tests/sms/test_dispatch.py", "-k", "cancel or mark"), False),
    "what waited past its lease is called once": (
        "sms/dispatch.py", "        self._forget_stale(claimed)\n", "", ("tests/sms/test_dispatch.py", "-k", "past_its_lease"), False),
    "unknown is handed over again only where it is de-duplicated": (
        "sms/dispatch.py", "if self.gateway.dedupes_by_reference:", "if True:", ("tests/sms/test_dispatch.py", "-k", "unknown"), False),
    "who is suspended sends nothing": (
        "sms/dispatch.py", "if not row.may_send]", "if False]", ("tests/sms/test_dispatch.py", "-k", "suspend"), False),
    "what may have left stays with its gateway after a no": (
        "sms/outcomes.py", "        if each.row.doubtful:\n            # The no", "        if False:\n            # The no", ("tests/sms/test_dispatch.py",), False),
    "what may have left stays with its gateway when not sent": (
        "sms/outcomes.py", "        if each.row.doubtful:\n            # This attempt", "        if False:\n            # This attempt", ("tests/sms/test_dispatch.py",), False),
    "five attempts": (
        "sms/outcomes.py", "elif each.attempt >= MAX_ATTEMPTS:", "elif False:", ("tests/sms/test_dispatch.py",), False),
    "the daily cap": (
        "sms/outcomes.py", "if counts[row.number] >= settings.SMS_DAILY_CAP:", "if False:", ("tests/sms/test_dispatch.py", "-k", "cap"), False),
    "the daily cap counts what is claimed": (
        "sms/outcomes.py", "    counts.update(row.number for row in beside)\n", "", ("tests/sms/test_dispatch.py", "-k", "cap"), False),
    "a charge is in the transaction of what it pays for": (
        "credit/charging.py", "if not connection.in_atomic_block:", "if False:", ("tests/credit/test_charging.py", "-k", "transaction"), False),
    "accounts are locked": (
        "credit/charging.py", "Account.objects.select_for_update(of=(\"self\",))", "Account.objects", ("tests/credit/test_charging.py",), True),
    "a refund into a month that is over lapses": (
        "credit/charging.py", "if window and (window.ends_at <= now or window.pk not in running):", "if False:", ("tests/credit/test_charging.py", "-k", "month_that_is_over"), False),
    "the window of a charge is this month's": (
        "credit/charging.py", "Allowance.objects.filter(account__in=accounts, ends_at__gt=now)", "Allowance.objects.filter(account__in=accounts)", ("tests/credit/test_charging.py", "-k", "lapse or month"), False),
    "what was agreed is what is charged": (
        "credit/charging.py", "if charge.agreed is not None and charge.agreed !=", "if False and charge.agreed !=", ("tests/credit/test_charging.py", "tests/sms/test_submission.py"), False),
    "the same key answers with the first result": (
        "sms/submission.py", "if message.request_digest != item.message.request_digest:", "if False:", ("tests/sms/test_submission.py",), False),
    "a claim skips what another locks": (
        "sms/queue_sql.py", "({due} FOR UPDATE SKIP LOCKED)", "({due})", ("tests/sms/test_dispatch.py", "-k", "eight_processes"), True),
    "a claim never takes more than asked": (
        "sms/queue_sql.py", "WITH due AS MATERIALIZED", "WITH due AS NOT MATERIALIZED", ("tests/sms/test_dispatch.py", "-k", "eight_processes or more_than_asked"), True),
}  # fmt: skip

TRIGGERS = {
    "delivery_moves_as_allowed": ("sms/triggers.py", '("sms_delivery", _MOVE,', '("sms_delivery", "1 = 0",', "tests/sms"),
    "delivery_stays_what_it_was": ("sms/triggers.py", '("sms_delivery", _CHANGED,', '("sms_delivery", "1 = 0",', "tests/sms"),
    "message_stays_what_it_was": ("sms/triggers.py", '("sms_message", _REWRITTEN,', '("sms_message", "1 = 0",', "tests/sms"),
    "entry_is_never_changed": ("credit/triggers.py", '"""CREATE TRIGGER entry_is_never_changed BEFORE UPDATE ON credit_entry\n', '"""CREATE TRIGGER entry_is_never_changed BEFORE UPDATE ON credit_entry WHEN 1 = 0\n', "tests/credit"),
    "entry_is_never_deleted": ("credit/triggers.py", '"""CREATE TRIGGER entry_is_never_deleted BEFORE DELETE ON credit_entry\n', '"""CREATE TRIGGER entry_is_never_deleted BEFORE DELETE ON credit_entry WHEN 1 = 0\n', "tests/credit"),
}  # fmt: skip
TRIGGER_TESTS = {
    "tests/sms": ("tests/sms/test_submission.py", *SQLITE),
    "tests/credit": ("tests/credit/test_charging.py", *SQLITE),
}


def protections() -> Iterator[Protection]:
    """Yield all, those that are found in the source included."""
    yield from _constraints()
    for function, old, new in FENCES:
        damage = {"path": "sms/queue_sql.py", "in": function, "old": old, "new": new}
        yield Protection(f"{function}: {old}", damage, QUEUE)
    for name, (path, old, new, tests, servers) in OTHERS.items():
        yield Protection(name, {"path": path, "old": old, "new": new}, _on(tests, postgresql=servers))
    for name, (path, old, new, tests_of) in TRIGGERS.items():
        yield Protection(f"trigger {name}", {"path": path, "old": old, "new": new}, TRIGGER_TESTS[tests_of])
    for owner in owners():
        damage = {"path": owner.path, "old": owner.old, "new": owner.new, "at": owner.at}
        yield Protection(
            f"owner: {owner.path}:{owner.line} {owner.old.splitlines()[0][:60]}", damage, _tests_of(owner.path)
        )


def _on(tests: tuple[str, ...], *, postgresql: bool) -> tuple[str, ...]:
    """Choose the database: what is about locks is tried on PostgreSQL."""
    files = tuple(each for each in tests if each.endswith(".py"))
    words = f"({tests[-1]}) and " if "-k" in tests else ""
    return (*files, "-k", words + ("postgresql" if postgresql else "not postgresql"))


def _constraints() -> Iterator[Protection]:
    """Every constraint of the models of messages and of credit, as Django knows them."""
    from credit.models import Account, Allowance, Entry
    from sms.models import Continuity, Delivery, Message

    for model in (Message, Delivery, Continuity, Account, Allowance, Entry):
        tests = MODELS[0] if model._meta.app_label == "sms" else MODELS[1]
        for constraint in model._meta.constraints:
            yield Protection(f"constraint {constraint.name}", {"constraint": constraint.name}, (tests, *SQLITE))


def _tests_of(path: str) -> tuple[str, ...]:
    """The tests that mirror the module, and those that walk every address as another user."""
    from tests.chaos.sabotage.saboteur import PROJECT

    app, name = path.split("/", 1)
    stem = name.rsplit("/", 1)[-1].removesuffix(".py")
    near = [
        PROJECT / "tests" / app / f"test_{each}.py"
        for each in (stem, f"{stem}_views", stem.removesuffix("_views"), f"{stem}_pages")
    ]
    found = tuple(str(each.relative_to(PROJECT)) for each in near if each.exists())
    return (*found, "tests/architecture/test_permissions.py")
