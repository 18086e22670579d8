"""The database refuses, by name, what no account, window or entry may ever be; past every line of Python."""

import pytest
from django.db import IntegrityError, connection, transaction

from credit.models import Account, Allowance, Entry, Plan, RefundOrder, Reversal, TopUp
from tests.people import NOW, person

UPDATES = {
    "balance_never_negative": "UPDATE credit_account SET balance = -1",
    "debt_never_negative": "UPDATE credit_account SET debt = -1, balance = 0",
    "no_balance_beside_a_debt": "UPDATE credit_account SET debt = 5, balance = 5",
    "allowance_within_its_grant": "UPDATE credit_allowance SET available = granted + 1",
    "allowance_ends_after_it_starts": "UPDATE credit_allowance SET ends_at = starts_at",
}
ENTRIES = {
    "one_entry_per_account_and_key": {},
    "entry_parts_have_a_window": {"key": "new", "allowance": None},
    "entry_goes_the_way_of_its_kind": {"key": "new", "kind": "charge"},
}
# of a top-up that was paid, its refund and the order for it
PAYMENTS = {
    "top_up_of_something": "UPDATE credit_topup SET amount = 0, refunded = 0",
    "top_up_refunded_within_payment": "UPDATE credit_topup SET refunded = amount + 1",
    "top_up_paid_has_its_payment": "UPDATE credit_topup SET payment = NULL",
    "reversal_of_something": "UPDATE credit_reversal SET amount = 0",
    "refund_order_of_something": "UPDATE credit_refundorder SET amount = 0",
    "refund_order_has_a_reason": "UPDATE credit_refundorder SET why = ''",
}
ONCE = {
    "session": lambda paid: TopUp(**again(paid, session="cs_1")),
    "payment": lambda paid: TopUp(**again(paid, payment="pi_1", state="paid", paid_at=NOW)),
    "reference": lambda _paid: Reversal(reference="re_1", amount=1, rank=1, created_at=NOW),
    "name": lambda paid: Plan(name=paid.account.plan.name),
    "user_id": lambda paid: Account(user=paid.account.user),
}
AS_SQLITE_SAYS = {
    "one_entry_per_account_and_key": "credit_entry.account_id, credit_entry.key",
    "one_allowance_per_account_and_window": "credit_allowance.account_id, credit_allowance.starts_at",
}


@pytest.fixture
def grant(database):
    """The entry that filled the first window of a new account."""
    person()
    return Entry.objects.get(kind="grant")


def said(name: str) -> str:
    return AS_SQLITE_SAYS.get(name, name) if connection.vendor == "sqlite" else name


def refused(name: str):
    return pytest.raises(IntegrityError, match=said(name))


@pytest.mark.parametrize("name", UPDATES)
def test_the_database_refuses_this_change(grant, name):
    with refused(name), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(UPDATES[name])


def test_the_database_refuses_an_allowance_below_zero(grant):
    with refused("allowance_within_its_grant"), transaction.atomic():
        Allowance.objects.update(available=-1)


@pytest.mark.parametrize("name", ENTRIES)
def test_the_database_refuses_this_entry(grant, name):
    grant.pk = None
    for field, value in ENTRIES[name].items():
        setattr(grant, field, value)
    with refused(name), transaction.atomic():
        grant.save(force_insert=True)


def test_the_database_refuses_a_second_window_of_the_same_month(grant):
    window = grant.allowance
    window.pk = None
    with refused("one_allowance_per_account_and_window"), transaction.atomic():
        window.save(force_insert=True)


def again(paid: TopUp, **more) -> dict:
    of = {"account": paid.account, "amount": 5, "currency": "EUR", "livemode": False, "vat_rate": 0}
    return of | {"created_at": NOW, "expires_at": NOW} | more


@pytest.fixture
def paid(grant) -> TopUp:
    """A top-up that was paid, part of which went back as staff had ordered."""
    of = {"amount": 100, "currency": "EUR", "livemode": False, "vat_rate": 0, "session": "cs_1", "payment": "pi_1"}
    times = {"created_at": NOW, "expires_at": NOW, "paid_at": NOW}
    top_up = TopUp.objects.create(account=grant.account, state="paid", refunded=1, **of, **times)
    Reversal.objects.create(reference="re_1", kind="refund", payment="pi_1", amount=1, rank=1, created_at=NOW)
    RefundOrder.objects.create(top_up=top_up, amount=1, why="asked", by=grant.account.user, created_at=NOW)
    return top_up


@pytest.mark.parametrize("name", PAYMENTS)
def test_the_database_refuses_this_of_a_payment(paid, name):
    with refused(name), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(PAYMENTS[name])


@pytest.mark.parametrize("column", ONCE)
def test_the_database_refuses_a_second_with_the_same(paid, column):
    with pytest.raises(IntegrityError, match=column), transaction.atomic():
        ONCE[column](paid).save(force_insert=True)


def test_every_constraint_of_accounts_windows_entries_and_payments_is_tried():
    models = (Account, Allowance, Entry, TopUp, Reversal, RefundOrder)
    named = {constraint.name for model in models for constraint in model._meta.constraints}
    assert named == {*UPDATES, *ENTRIES, *PAYMENTS, "one_allowance_per_account_and_window"}
