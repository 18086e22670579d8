"""M8: a rule-based state machine over the ledger and the deliveries (hypothesis), on the database that is connected.

Each rule is something that the office does; its clock only goes forward. After every step the audit must find nothing,
and no pocket may be below zero. What a delivery's state allows is the database's business: rules do not look first.
"""

import random
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from contacts.models import User
from credit import charging
from credit.books import check as credit_is_right
from credit.models import Account, Plan
from sms import outcomes, queue_sql, slots, submission, sweeper
from sms.books import check as sms_is_right
from sms.gateways.contract import Accepted, NotSent, Refused, Relayed, Unknown
from sms.models import Delivery, Message
from sms.outcomes import Outcome
from sms.submission import Recipient, Request

ALIAS = "plain"
LEASE = timedelta(seconds=60)
VERDICTS = (Accepted("theirs"), Relayed("ours"), NotSent("refused"), Refused("blocked"), Unknown("timeout"))
BEGIN = datetime(2027, 1, 29, 10, tzinfo=UTC)


class Ledger(RuleBasedStateMachine):
    """Two people, one gateway, some months."""

    steps = 0

    @initialize()
    def begin(self) -> None:
        self.block = transaction.atomic()
        self.block.__enter__()
        self.now, self.claims, self.serial = BEGIN, [], 0
        plan = Plan.objects.create(name=uuid.uuid4().hex, parts_a_month=8, price=950)
        self.users = [self._person(plan) for _ in range(2)]
        slots.take(ALIAS, owner=1, now=self.now)  # who writes down how a call ended, has the gateway's place

    def _person(self, plan: Plan) -> User:
        user = User.objects.create(username=uuid.uuid4().hex, mobile="+32475123456", language="en")
        charging.subscribe(charging.account_of(user), plan=plan, now=self.now)
        return user

    def teardown(self) -> None:
        if hasattr(self, "block"):
            transaction.set_rollback(True)
            self.block.__exit__(None, None, None)

    @rule(who=st.integers(0, 1), recipients=st.integers(1, 5), long=st.booleans(), planned=st.booleans())
    def send(self, who: int, recipients: int, long: bool, planned: bool) -> None:
        self.serial += 1
        to = [Recipient(f"+3247{self.serial:05}{place:02}") for place in range(recipients)]
        later = self.now + timedelta(hours=2) if planned else None
        text = "See you at 9 " * (14 if long else 1)
        request = Request(self.users[who], text, to, "form", f"key-{self.serial}", release_at=later)
        self._or_refused(lambda: submission.submit(request, now=self.now))

    def _or_refused(self, act: Any) -> None:
        try:
            with transaction.atomic():
                act()
        except (submission.NotAccepted, charging.CannotAdjust):
            pass

    @rule(limit=st.integers(1, 6))
    def claim(self, limit: int) -> None:
        token = random.getrandbits(62)
        asked = {"token": token, "now": self.now, "lease_until": self.now + LEASE}
        rows = queue_sql.claim(ALIAS, limit=limit, **asked)
        assert len(rows) <= limit
        attempts = queue_sql.mark_sending([row.id for row in rows], **asked) if rows else {}
        self.claims += [(row, attempts[row.id]) for row in rows if row.id in attempts]

    @rule(verdict=st.sampled_from(VERDICTS), again=st.booleans())
    def answer(self, verdict: Any, again: bool) -> None:
        """One call ends; an answer may come twice, or long after its lease."""
        if self.claims:
            row, attempt = self.claims[0] if again else self.claims.pop(0)
            outcomes.record(ALIAS, [Outcome(row, attempt, verdict)], now=self.now)

    @rule(pick=st.integers(0, 20))
    def cancel(self, pick: int) -> None:
        found = list(Message.objects.order_by("created_at", "pk"))
        if found:
            submission.cancel(found[pick % len(found)], now=self.now)

    @rule(pick=st.integers(0, 20))
    def refuse(self, pick: int) -> None:
        found = list(Delivery.objects.order_by("pk").values_list("pk", flat=True))
        if found:  # a set-based statement is never made for nothing
            queue_sql.refuse([found[pick % len(found)]], reason="blocked", now=self.now)

    @rule()
    def sweep(self) -> None:
        queue_sql.reap(now=self.now)
        queue_sql.doubt_relayed(since=self.now - sweeper.RELAYED_FOR, now=self.now)
        sweeper.expire(now=self.now)
        sweeper.give_up_unknown(now=self.now)
        sweeper.release(now=self.now)

    @rule(who=st.integers(0, 1), parts=st.integers(-4, 4), amount=st.sampled_from([-950, 0, 950, 9_500]))
    def adjust(self, who: int, parts: int, amount: int) -> None:
        change = charging.Adjustment(parts=parts, amount=amount, why="as it comes")
        self._or_refused(lambda: charging.adjust(Account.objects.get(user=self.users[who]), change, now=self.now))

    @rule(who=st.integers(0, 1), parts=st.integers(0, 12))
    def change_plan(self, who: int, parts: int) -> None:
        plan = Plan.objects.get_or_create(name=f"m8-{parts}", defaults={"parts_a_month": parts, "price": 950})[0]
        charging.subscribe(Account.objects.get(user=self.users[who]), plan=plan, now=self.now)

    @rule(hours=st.sampled_from([0, 0, 1, 3, 25, 24 * 32]))
    def time_passes(self, hours: int) -> None:
        self.now += timedelta(hours=hours, seconds=1)

    @invariant()
    def books_are_right(self) -> None:
        if not hasattr(self, "now"):
            return
        Ledger.steps += 1
        found = [*credit_is_right(), *(each for each in sms_is_right(now=self.now) if "too long" not in each)]
        found = [each for each in found if "past its validity" not in each and "month that is over" not in each]
        assert not found, found
        assert not Account.objects.filter(balance__lt=0).exists()
