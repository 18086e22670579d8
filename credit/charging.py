"""Charge, refund, adjust: the only functions that move credit (S12, N4).

Each runs inside the caller's transaction, locks the accounts in id order and writes one entry per movement, so the
figures in the rows are always the sums of their entries. One charge is one entry that may take from both pockets.
"""

import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Sum

from contacts import fault
from contacts.models import User
from credit.allowance import month_window, parts_of, price_of
from credit.models import Account, Allowance, Entry, Plan
from credit.posting import post


class NotEnough(Exception):
    """Allowance and balance together do not pay for this; nothing was taken."""

    def __init__(self, *, missing_parts: int, missing_amount: int, payable: int) -> None:
        super().__init__(f"{missing_parts} parts short")
        self.missing_parts = missing_parts
        self.missing_amount = missing_amount
        self.payable = payable


class CannotAdjust(Exception):
    """An adjustment that would take more than there is."""


@dataclass(frozen=True, slots=True)
class Split:
    """How a cost falls on the two pockets: parts from the allowance, units of money from the balance.

    `missing_parts` and `missing_amount` say how much is short, zero where it can be paid.
    """

    from_allowance: int
    from_balance: int
    missing_parts: int
    missing_amount: int


@dataclass(frozen=True, slots=True)
class Charge:
    """What is to be paid: `parts` by `user_id`, under a key unique per account. `agreed`: the split that was shown."""

    user_id: int
    parts: int
    key: str
    occasion: str
    reference: str
    agreed: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Charged:
    """A charge that was made: its entry, the price of a part at that moment, and the parts the allowance paid."""

    entry: Entry
    price: int
    from_allowance: int


@dataclass(frozen=True, slots=True)
class Changed:
    """A charge not made: price or pockets are no longer what was agreed to."""

    split: Split
    price: int


@dataclass(frozen=True, slots=True)
class Adjustment:
    """What staff gives, or takes with a minus: `parts` of this month, `amount` units of balance; why, and who."""

    parts: int
    amount: int
    why: str
    by: User | None = None


@dataclass(frozen=True, slots=True)
class Refund:
    """What goes back of the charge `charge_id`: `parts` to the window that paid, `amount` units to the balance."""

    charge_id: int
    parts: int
    amount: int


def split(parts: int, *, available: int, balance: int, price: int, debt: int = 0) -> Split:
    """Return how `parts` would be paid from `available` parts of allowance first, then from `balance` units (S12).

    A debt blocks both pockets: all parts are then missing, and so is the debt.
    """
    from_allowance = min(parts, available)
    rest = parts - from_allowance
    affordable = rest if price == 0 else min(rest, balance // price)
    missing = parts if debt else rest - affordable
    return Split(from_allowance, rest * price, missing, max(rest * price - balance, 0) + debt)


def move_money(account: Account, amount: int) -> tuple[int, int]:
    """Add `amount` units to the locked `account`, or take them; return what moved the balance, and what the debt.

    What comes pays the debt first; what is taken beyond the balance becomes debt. The caller saves the account.
    """
    before, worth = account.balance, account.balance - account.debt + amount
    owed = account.debt
    account.balance, account.debt = max(worth, 0), max(-worth, 0)
    return account.balance - before, account.debt - owed


def account_of(user: User) -> Account:
    """Return the user's account, made on first need."""
    return Account.objects.get_or_create(user=user)[0]


def charge_many(charges: Sequence[Charge], *, now: datetime) -> list[Charged | Changed | NotEnough]:
    """Charge each in order, or say why not; the result stands at the place of its charge.

    Needs a transaction, in which the accounts stay locked until it ends: call it last.
    """
    _require_transaction()
    accounts = _lock_of_users({charge.user_id for charge in charges})
    allowances = _current_allowances(accounts.values(), now=now)
    results = []
    for charge in charges:
        account = accounts[charge.user_id]
        results.append(_charge(charge, account, allowances[account.pk], now=now))
    entries = [result.entry for result in results if isinstance(result, Charged)]
    fault.hit("charging.locked")
    post(
        entries,
        allowances=[entry.allowance for entry in entries if entry.allowance],
        accounts=[entry.account for entry in entries if entry.amount],
    )
    fault.hit("charging.charged")
    return results


def refund_many(refunds: Sequence[Refund], *, occasion: str, now: datetime) -> dict[int, Entry]:
    """Give back parts and money to the pockets that paid, one entry per charge; return the entries by charge id (N4).

    A refund into a month that is over lapses with it, as a second line of the statement. Needs a transaction.
    """
    _require_transaction()
    charges = Entry.objects.in_bulk([refund.charge_id for refund in refunds])
    accounts = lock(pk__in={charge.account_id for charge in charges.values()})
    windows = Allowance.objects.in_bulk({charge.allowance_id for charge in charges.values() if charge.allowance_id})
    running = _latest_windows(accounts.values()) if windows else set()
    entries: dict[int, Entry] = {}
    lapses: list[Entry] = []
    for refund in refunds:
        charge = charges[refund.charge_id]
        account = accounts[charge.account_id]
        amount, debt = move_money(account, refund.amount)
        window = windows[charge.allowance_id] if refund.parts and charge.allowance_id else None
        if window:
            window.available += refund.parts
        entries[charge.pk] = Entry(
            account=account, kind=Entry.Kind.REFUND, allowance=window, parts=refund.parts, amount=amount,
            debt=debt, key=f"refund:{uuid.uuid4()}", occasion=occasion, reference=charge.reference, refunds=charge,
            created_at=now,
        )  # fmt: skip
        if window and (window.ends_at <= now or window.pk not in running):
            lapses.append(_lapse(window, now=now, key=f"lapse:{uuid.uuid4()}"))
    fault.hit("charging.refund_locked")
    post([*entries.values(), *lapses], allowances=windows.values(), accounts=accounts.values())
    fault.hit("charging.refunded")
    return entries


def adjust(account: Account, change: Adjustment, *, now: datetime) -> Entry:
    """Give or take credit with a reason that the user reads; the allowance moves for this month.

    Raises `CannotAdjust` where more is taken than there is, or where the reason is missing.
    """
    if not change.why.strip():
        raise CannotAdjust("An adjustment needs a reason.")
    with transaction.atomic():
        locked = lock(pk__in=[account.pk])[account.pk]
        allowance = _current_allowances([locked], now=now)[locked.pk]
        if (change.amount < 0 and locked.balance + change.amount < 0) or allowance.available + change.parts < 0:
            raise CannotAdjust("That is more than there is.")
        amount, debt = move_money(locked, change.amount)
        allowance.available += change.parts
        allowance.granted += change.parts
        entry = Entry(
            account=locked, kind=Entry.Kind.ADJUST, allowance=allowance if change.parts else None,
            parts=change.parts, amount=amount, debt=debt, key=f"adjust:{uuid.uuid4()}",
            why=change.why.strip()[:200], by=change.by, created_at=now,
        )  # fmt: skip
        post([entry], allowances=[allowance], accounts=[locked])
        return entry


def subscribe(account: Account, *, plan: Plan | None, now: datetime) -> None:
    """Give the account another plan: a higher one counts at once, a lower one from next month (S15).

    What this month has already granted counts: going back and forth between plans grants nothing twice.
    """
    with transaction.atomic():
        locked = lock(pk__in=[account.pk])[account.pk]
        allowance = _current_allowances([locked], now=now)[locked.pk]
        locked.plan = plan
        locked.save(update_fields=["plan"])
        _raise_to([allowance], parts=parts_of(plan), now=now)


def regrant(plan: Plan, *, now: datetime) -> int:
    """Grant at once what `plan` gives more than before to all who have it; return how many got some (S15).

    Less counts from next month: what was granted stays.
    """
    with transaction.atomic():
        accounts = lock(plan__in=[plan.pk])
        allowances = _current_allowances(accounts.values(), now=now)
        return len(_raise_to(allowances.values(), parts=parts_of(plan), now=now))


def tell(account: Account, wishes: Mapping[str, Any]) -> None:
    """Keep what the user wants to be told: `low_below`, `tells_low`, `tells_lapse`, `tells_shortage`."""
    Account.objects.filter(pk=account.pk).update(**wishes)


def _raise_to(allowances: Iterable[Allowance], *, parts: int, now: datetime) -> list[Entry]:
    """Grant what is missing to `parts` in these locked windows; what they were granted before counts."""
    grants = Entry.objects.filter(allowance__in=list(allowances), kind=Entry.Kind.GRANT).order_by()
    granted = dict(grants.values_list("allowance").annotate(all=Sum("parts")))
    raised, entries = [], []
    for allowance in allowances:
        more = parts - granted.get(allowance.pk, 0)
        if more > 0:
            allowance.granted += more
            allowance.available += more
            raised.append(allowance)
            entries.append(_grant(allowance, parts=more, key=f"raise:{uuid.uuid4()}", now=now))
    post(entries, allowances=raised)
    return entries


def lock(**which: Collection[int]) -> dict[int, Account]:
    """Lock the accounts `which` picks, in id order; return them by id with their plans."""
    rows = Account.objects.select_for_update(of=("self",)).select_related("plan").filter(**which).order_by("pk")
    return {account.pk: account for account in rows}


def _lock_of_users(user_ids: set[int]) -> dict[int, Account]:
    """Lock the users' accounts and return them by user id, made first where a user has none yet."""
    accounts = lock(user__in=user_ids)
    if len(accounts) < len(user_ids):
        Account.objects.bulk_create([Account(user_id=pk) for pk in sorted(user_ids)], ignore_conflicts=True)
        accounts = lock(user__in=user_ids)
    return {account.user_id: account for account in accounts.values()}


def _charge(charge: Charge, account: Account, allowance: Allowance, *, now: datetime) -> Charged | Changed | NotEnough:
    price = price_of(account.plan)
    cost = split(charge.parts, available=allowance.available, balance=account.balance, price=price, debt=account.debt)
    if cost.missing_parts:
        payable = charge.parts - cost.missing_parts
        return NotEnough(missing_parts=cost.missing_parts, missing_amount=cost.missing_amount, payable=payable)
    if charge.agreed is not None and charge.agreed != (cost.from_allowance, cost.from_balance):
        return Changed(cost, price)
    allowance.available -= cost.from_allowance
    account.balance -= cost.from_balance
    entry = Entry(
        account=account, kind=Entry.Kind.CHARGE, allowance=allowance if cost.from_allowance else None,
        parts=-cost.from_allowance, amount=-cost.from_balance, key=charge.key, occasion=charge.occasion,
        reference=charge.reference, created_at=now,
    )  # fmt: skip
    return Charged(entry, price, cost.from_allowance)


def _current_allowances(accounts: Iterable[Account], *, now: datetime) -> dict[int, Allowance]:
    """Return this month's allowance of each locked account; at first touch, lapse the last one and write the grant."""
    accounts = list(accounts)
    latest: dict[int, Allowance] = {}
    for allowance in Allowance.objects.filter(account__in=accounts, ends_at__gt=now).order_by("starts_at"):
        latest.setdefault(allowance.account_id, allowance)
    missing = [account for account in accounts if account.pk not in latest]
    if missing:
        latest |= _begin_month(missing, now=now)
    return latest


def _latest_windows(accounts: Iterable[Account]) -> set[int]:
    """Return the ids of the windows that no later one of the same account has followed, whatever the clock says."""
    latest: dict[int, int] = {}
    for allowance in Allowance.objects.filter(account__in=list(accounts)).order_by("starts_at"):
        latest[allowance.account_id] = allowance.pk
    return set(latest.values())


def _begin_month(accounts: Sequence[Account], *, now: datetime) -> dict[int, Allowance]:
    ended: dict[int, Allowance] = {}
    for allowance in Allowance.objects.filter(account__in=accounts).order_by("starts_at"):
        ended[allowance.account_id] = allowance
    lapses = [
        _lapse(allowance, now=now, key=f"lapse:{allowance.pk}") for allowance in ended.values() if allowance.available
    ]
    begun = []
    for account in accounts:
        last = ended.get(account.pk)
        window = month_window(now, zone=settings.TIME_ZONE, after=last.ends_at if last else None)
        parts = parts_of(account.plan)
        begun.append(
            Allowance(
                account=account, starts_at=window.starts_at, ends_at=window.ends_at, granted=parts, available=parts
            )
        )
    Allowance.objects.bulk_create(begun)
    fault.hit("charging.month_begun")
    grants = [_grant(new, parts=new.granted, key=f"grant:{new.starts_at:%Y-%m-%dT%H:%M%z}", now=now) for new in begun]
    post([*lapses, *(grant for grant in grants if grant.parts)], allowances=ended.values())
    return {allowance.account_id: allowance for allowance in begun}


def _grant(allowance: Allowance, *, parts: int, key: str, now: datetime) -> Entry:
    return Entry(
        account_id=allowance.account_id,
        kind=Entry.Kind.GRANT,
        allowance=allowance,
        parts=parts,
        key=key,
        created_at=now,
    )


def _lapse(allowance: Allowance, *, now: datetime, key: str) -> Entry:
    """Empty the window in memory (the caller saves it) and return the line that says so."""
    parts, allowance.available = -allowance.available, 0
    return Entry(
        account_id=allowance.account_id,
        kind=Entry.Kind.LAPSE,
        allowance=allowance,
        parts=parts,
        key=key,
        created_at=now,
    )


def _require_transaction() -> None:
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("Credit moves only inside the transaction of what it pays for.")
