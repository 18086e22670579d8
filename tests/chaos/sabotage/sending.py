# ruff: noqa: E501
# fmt: off
"""The protections of the way that an SMS takes: acceptance, queue, slot, dispatcher, outcomes, receipts."""

from collections.abc import Iterator

from tests.chaos.sabotage.protection import Protection, cut

QUEUE = "tests/sms/test_queue_sql.py"
DISPATCH = "tests/sms/test_dispatch.py"
OUTCOMES = "tests/sms/test_outcomes.py"
SUBMISSION = "tests/sms/test_submission.py"
RECEIPTS = ("tests/sms/test_receipts.py", "tests/sms/test_kept_receipts.py::early", "tests/sms/test_kept_receipts.py::before")
RELEASING = "tests/sms/test_releasing.py"

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
    ("reroute", ", claim = NULL, lease_until = NULL", ""),
    ("move_waiting", ", claim = NULL, lease_until = NULL", ""),
]

# function: what stands in the names of its tests
NAMED = {
    "claim": "a_claim_leaves", "claim_unknown": "claim_of_what_is_unknown", "mark_sending": "the_mark",
    "give_back": "given_back", "record_sent": "a_yes", "record_relayed": "word -relayed",
    "record_unknown": "word -unknown", "record_not_sent": "word -queued", "end_attempts": "word -refused",
    "refuse": "may_have_left", "cancel": "cancelled", "expire": "expire", "give_up_unknown": "given_up",
    "reap": "reaped", "doubt_relayed": "doubted", "reroute": "rerouted", "move_waiting": "moved",
}


def sending() -> Iterator[Protection]:
    """Yield them in the order of the way."""
    yield from _acceptance()
    yield from _queue()
    yield from _slot()
    yield from _dispatcher()
    yield from _receipts()


def _acceptance() -> Iterator[Protection]:
    path = "sms/submission.py"
    yield cut("the same key answers with the first result", path, "if message.request_digest != item.message.request_digest:", "if False:", f"{SUBMISSION}::the_same_key")
    yield cut("a key that was first meanwhile answers", path, "    except IntegrityError:\n        # Somebody else was first under one of these keys: now it can be seen, and answers.\n        return _store(prepared, now=now)\n", "    except ZeroDivisionError:\n        return []\n", f"{SUBMISSION}::one_form postgresql")
    yield cut("a suspended user sends nothing", path, "if not request.user.is_active:", "if False:", f"{SUBMISSION}::suspended")
    yield cut("what cannot be paid is taken out of the queue", path, "        queue_sql.remove([item.message.pk for item in unpaid])\n", "", f"{SUBMISSION}::too_little")
    yield cut("a planned SMS of who is suspended does not go", "sms/releasing.py", "if not item.message.user.is_active:", "if False:", f"{RELEASING}::suspended")
    yield cut("what another releases is left alone", "sms/releasing.py", "select_for_update(skip_locked=True, of=(\"self\",))", "all()", f"{RELEASING}::share postgresql")
    yield cut("only what is due is released", "sms/releasing.py", ", release_at__lte=now", "", f"{SUBMISSION}::planned")
    yield cut("only what is planned is released", "sms/releasing.py", "state=Message.State.PLANNED, ", "", f"{SUBMISSION}::planned", f"{SUBMISSION}::cancel")
    yield cut("a cancel waits for who releases", path, "Message.objects.select_for_update().get(pk=message.pk)", "Message.objects.get(pk=message.pk)", f"{SUBMISSION}::cancel_waits postgresql")


def _queue() -> Iterator[Protection]:
    path = "sms/queue_sql.py"
    for function, old, new in FENCES:
        yield cut(f"{function}: {old}", path, old, new, f"{QUEUE}::{NAMED[function]}", within=function)
    yield cut("reroute: what is pinned stays", path, " AND {_FREE}\"\"\",\n        [to", "\"\"\",\n        [to", "tests/sms/test_one_gateway.py")
    yield cut("move_waiting: what is pinned stays", path, " <> '' AND {_FREE}", " <> ''", "tests/sms/test_one_gateway.py")
    yield cut("a claim skips what another locks", path, "({due} FOR UPDATE SKIP LOCKED)", "({due})", f"{DISPATCH}::eight_processes postgresql")
    yield cut("a claim never takes more than asked", path, " LIMIT {int(limit)}", "", f"{DISPATCH}::than_asked", within="claim")


def _slot() -> Iterator[Protection]:
    path = "sms/slots.py"
    yield cut("a slot that another has is not taken", path, "Slot.objects.filter(free, rested, alias=alias)", "Slot.objects.filter(rested, alias=alias)", f"{QUEUE}::TheSlot")
    yield cut("a slot is renewed by its owner", path, "own.alias = %s AND own.owner = %s", "own.alias = %s AND %s <> 0", f"{QUEUE}::TheSlot")
    yield cut("a slot's lease is renewed", path, "if ends_soon:", "if False:", f"{QUEUE}::TheSlot")
    yield cut("a lease is renewed for its owner only", path, "Slot.objects.filter(alias=alias, owner=owner).update(lease_until", "Slot.objects.filter(alias=alias).update(lease_until", f"{QUEUE}::TheSlot")
    yield cut("a slot is left by its owner", path, "Slot.objects.filter(alias=alias, owner=owner).update(owner=None", "Slot.objects.filter(alias=alias).update(owner=None", f"{QUEUE}::TheSlot")
    yield cut("a resting gateway is left alone", path, "Slot.objects.filter(free, rested, alias=alias)", "Slot.objects.filter(free, alias=alias)", f"{QUEUE}::TheSlot")
    yield cut("a drain stops where its gateway rests", path, "coalesce(own.resting_until > %s, false)", "(%s IS NULL)", f"{QUEUE}::TheSlot", f"{DISPATCH}::rests")
    yield cut("a drain stops where its gateway is held", path, " OR own.held_at IS NOT NULL", "", f"{QUEUE}::rests_or_is_held")
    yield cut("a drain stops where all is held", path, " OR office.held_at IS NOT NULL", "", f"{QUEUE}::rests_or_is_held")
    yield cut("no call to a gateway that rests", path, "if self.rests:", "if False:", f"{QUEUE}::TheSlot", f"{DISPATCH}::rests")
    yield cut("one call to a gateway that is tried", path, "min(wanted, max(0, 1 - under_way)) if self.tries else wanted", "wanted", f"{QUEUE}::TheSlot", f"{DISPATCH}::rests")


def _dispatcher() -> Iterator[Protection]:
    path = "sms/dispatch.py"
    yield cut("a claim looks at the hold", path, "if holding.held(self.alias):", "if False:", f"{DISPATCH}::held", f"{DISPATCH}::hold_stops")
    yield cut("a drain that lost its slot stops", path, "                if place is None:\n                    return Step(lost=True)\n", "                if place is None:\n                    place = slots.Place(False, False, False)\n", f"{DISPATCH}::loses_the_slot")
    yield cut("a call begins before its lease can end", path, "if time.monotonic() > call.begin_before:", "if False:", f"{DISPATCH}::before_its_lease")
    yield cut("a call can end before its lease does", path, "LEASE.total_seconds() - CALL_SECONDS - 5", "LEASE.total_seconds()", f"{DISPATCH}::before_its_lease")
    yield cut("sending is written before the call", path, "[Call(row, self._hand_over(row, attempts[row.id]), begin_before) for row in slice_ if row.id in attempts]", "[Call(row, self._hand_over(row, attempts.get(row.id, 1)), begin_before) for row in slice_]", f"{DISPATCH}::between_claim_and_call")
    yield cut("what waited past its lease is called once", path, "        self._forget_stale(claimed)\n", "", f"{DISPATCH}::past_its_lease")
    yield cut("unknown is handed over again only where it is de-duplicated", path, "            if self.gateway.dedupes_by_reference:\n                claimed +=", "            if True:\n                claimed +=", f"{DISPATCH}::claimed_along")
    yield cut("who is suspended sends nothing", path, "barred = [row.id for row in claimed if not row.may_send]", "barred = []", f"{DISPATCH}::suspended")
    yield cut("two windows are under way at most", path, "        most = 2 * self.gateway.window\n", "        most = 99 * self.gateway.window\n", f"{DISPATCH}::third_window")
    yield cut("what was claimed and not called is given back", path, "        if self._claimed:\n            queue_sql.give_back", "        if False:\n            queue_sql.give_back", f"{DISPATCH}::hold_stops_a_drain")
    yield cut("what raises is of unknown outcome", path, "            return Unknown(type(error).__name__)\n", "            return NotSent(type(error).__name__)\n", f"{DISPATCH}::unknown_outcome")
    path = "sms/outcomes.py"
    yield cut("what may have left stays with its gateway after a no", path, "        if each.row.doubtful:\n            # The no", "        if False:\n            # The no", f"{DISPATCH}::a_no_to_a_second")
    yield cut("what may have left stays with its gateway when not sent", path, "        if each.row.doubtful:\n            # This attempt", "        if False:\n            # This attempt", f"{DISPATCH}::may_have_sent")
    yield cut("five attempts", path, "elif each.attempt >= MAX_ATTEMPTS:", "elif False:", f"{DISPATCH}::after_five")
    yield cut("no other gateway for what is pinned", path, "    if outcome.row.pinned:\n        return None\n", "", "tests/sms/test_one_gateway.py")
    yield cut("the daily cap", path, "if counts[row.number] >= settings.SMS_DAILY_CAP:", "if False:", OUTCOMES)
    yield cut("the daily cap counts what was handed over", path, "Counter(queue_sql.handed_over([row.number for row in rows], since=now - timedelta(days=1)))", "Counter()", OUTCOMES)
    yield cut("the daily cap counts what is claimed beside", path, "    counts.update(row.number for row in beside)\n", "", OUTCOMES)
    yield cut("the daily cap counts one after the other", path, "        counts[row.number] += 1\n", "", OUTCOMES)
    yield cut("the daily cap holds the gateway", path, "        holding.hold(\n", "        dict(\n", OUTCOMES)


def _receipts() -> Iterator[Protection]:
    path = "sms/receipts.py"
    yield cut("a receipt counts at the gateway that has the delivery", path, "filter(meant, gateway=alias, attempt__gt=0)", "filter(meant, attempt__gt=0)", *RECEIPTS)
    yield cut("what was never handed over has no receipt", path, "filter(meant, gateway=alias, attempt__gt=0)", "filter(meant, gateway=alias)", *RECEIPTS)
    yield cut("a no counts for what our relay took only", path, "if self.row.state != Delivery.State.RELAYED or any(each.left for each in self.receipts):", "if any(each.left for each in self.receipts):", *RECEIPTS)
    yield cut("a yes outweighs a no", path, "if self.row.state != Delivery.State.RELAYED or any(each.left for each in self.receipts):", "if self.row.state != Delivery.State.RELAYED:", *RECEIPTS)
    yield cut("a receipt moves forward only", path, "if not furthest or furthest < told.row.receipt:", "if not furthest:", *RECEIPTS)
    yield cut("what comes before the end of its call waits", path, "return self.row.state == Delivery.State.SENDING and not self.has_left", "return False", *RECEIPTS)
    yield cut("a bare yes proves nothing", path, "any(each.left and (each.state or self.reference) for each in self.receipts)", "any(each.left for each in self.receipts)", *RECEIPTS)
    yield cut("a receipt changes no end", path, "return shown and self.row.state not in FINAL", "return shown", *RECEIPTS)
    yield cut("what the dispatcher writes to is left for later", path, "Delivery.objects.select_for_update(skip_locked=True)", "Delivery.objects", "tests/sms/test_kept_receipts.py::never_waits", "tests/sms/test_receipts.py::many_sides postgresql")
    yield cut("two who settle have other receipts", path, "KeptReceipt.objects.select_for_update(skip_locked=True)", "KeptReceipt.objects", "tests/sms/test_receipts.py::many_sides postgresql")
