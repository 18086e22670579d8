"""Whatever order Stripe tells things in, twice, late or forged: credited once, and the books exact (FAULTS M3-M5)."""

import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import IntegrityError, connections, transaction
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contacts.models import Notice, User
from credit import books, charging, topping_up
from credit.allowance import standing
from credit.models import Entry, Reversal, TopUp
from office.stripe_double.events import signature
from tests.credit.stripe_words import AMOUNT, Story, event, paid, reversal, words
from tests.people import person

SECRET = "whsec_test"


@pytest.fixture(autouse=True)
def stripe(settings):
    settings.STRIPE_SECRET_KEY, settings.STRIPE_WEBHOOK_SECRET = "sk_test_x", SECRET
    settings.STRIPE_API_BASE = "http://127.0.0.1:9"  # nothing listens there: what is asked is never answered


def begun(user: User, amount: int = AMOUNT) -> TopUp:
    wanted = topping_up.Wanted(amount=amount, currency="EUR", livemode=False, vat_rate=2_100)
    return topping_up.begin(user, wanted, now=timezone.now())


def bring(told: dict, *, secret: str = SECRET, age: int = 0) -> int:
    body = json.dumps(told).encode()
    header = signature(body, secret, at=int(timezone.now().timestamp()) - age)
    return (
        Client()
        .post("/stripe/webhook/", body, content_type="application/json", headers={"Stripe-Signature": header})
        .status_code
    )


def worth(user: User) -> int:
    has = standing(user, now=timezone.now())
    return has.balance - has.debt


def spend(user: User, parts: int) -> int:
    """Charge some parts; return what it cost in money, nothing where it was refused."""
    with transaction.atomic():
        [result] = charging.charge_many(
            [charging.Charge(user.pk, parts, uuid.uuid4().hex, "form", "")], now=timezone.now()
        )
    return -result.entry.amount if isinstance(result, charging.Charged) else 0


@pytest.fixture
def anna(database) -> User:
    return person(parts=0, balance=0, now=timezone.now())


@pytest.mark.row("S13", "S12")
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_order_of_events_ends_with_exact_books(database, data):
    user = User.objects.create_user(uuid.uuid4().hex[:30], language="en")
    story, spent = Story(begun(user)), 0
    every = words(story.top_up)
    for number in data.draw(st.lists(st.integers(0, len(every) + 2), max_size=14)):
        if number < len(every):
            assert bring(every[number]) == 200
            story.told.append(every[number])
        elif number == len(every):
            spent += spend(user, 40)
        elif number == len(every) + 1:
            assert bring(every[0], secret="whsec_somebody") == 400
        else:
            assert bring(every[0], age=3600) == 400
    assert worth(user) == story.worth - spent
    assert Entry.objects.filter(account__user=user, kind="top_up").count() == (
        TopUp.objects.get(pk=story.top_up.pk).state == "paid"
    )
    assert list(books.check()) == []


@pytest.mark.row("S13")
def test_fifty_pages_and_events_at_once_credit_once(anna, database):
    top_up = begun(anna)
    told = paid(top_up)["data"]["object"]
    facts = topping_up.Paid(
        str(top_up.pk), told["id"], told["payment_intent"], str(top_up.account_id), AMOUNT, "eur", False
    )

    def one(turn: int) -> None:
        try:
            if turn % 2:
                topping_up.settle_paid(facts, now=timezone.now())  # what the landing page does with Stripe's answer
            else:
                assert bring(paid(top_up)) == 200
        finally:
            connections.close_all()

    with ThreadPoolExecutor(25 if database.vendor == "postgresql" else 8) as pool:
        list(pool.map(one, range(50)))
    assert worth(anna) == AMOUNT
    assert Entry.objects.filter(kind="top_up").count() == 1
    assert list(books.check()) == []


def test_a_refund_and_its_payment_at_once_are_both_booked(anna, database):
    """Each is told while the other is not yet committed: the one that commits later must see both."""
    for _turn in range(10):
        top_up = begun(anna)
        told = [paid(top_up), reversal(top_up, "refund.created", "re1", "succeeded", 400)]

        def one(each: dict) -> int:
            try:
                return bring(each)
            finally:
                connections.close_all()

        with ThreadPoolExecutor(2) as pool:
            assert list(pool.map(one, told)) == [200, 200]
    assert worth(anna) == 10 * (AMOUNT - 40_000)
    assert list(books.check()) == []


@pytest.mark.row("S13", "S12")
def test_a_dispute_after_spending_is_a_debt_that_blocks_and_is_paid_first(anna):
    top_up = begun(anna)
    bring(paid(top_up))
    assert spend(anna, 40) == 40 * 950
    bring(reversal(top_up, "charge.dispute.created", "dp", "needs_response", 1_000))
    has = standing(anna, now=timezone.now())
    assert (has.balance, has.debt) == (0, 40 * 950)
    assert spend(anna, 1) == 0
    assert Notice.objects.filter(user=anna, text__contains="owed").count() == 1
    again = begun(anna)
    bring(paid(again))
    has = standing(anna, now=timezone.now())
    assert (has.balance, has.debt) == (AMOUNT - 40 * 950, 0)
    assert spend(anna, 1) == 950
    bring(reversal(top_up, "charge.dispute.closed", "dp", "won", 1_000))
    assert worth(anna) == 2 * AMOUNT - 41 * 950
    assert list(books.check()) == []


def test_a_debt_blocks_the_allowance_too(database):
    user = person(parts=30, balance=0, now=timezone.now())
    top_up = begun(user)
    bring(paid(top_up))
    spend(user, 40)
    bring(reversal(top_up, "refund.created", "re2", "succeeded", 600))
    bring(reversal(top_up, "refund.created", "re1", "succeeded", 400))
    with transaction.atomic():
        [refused] = charging.charge_many([charging.Charge(user.pk, 1, "x", "form", "")], now=timezone.now())
    assert isinstance(refused, charging.NotEnough)
    assert (refused.missing_parts, refused.payable) == (1, 0)
    assert refused.missing_amount == 9_500 + 950


def test_what_did_not_leave_pays_the_debt_first(anna):
    top_up = begun(anna)
    bring(paid(top_up))
    spend(anna, 40)
    charge = Entry.objects.get(kind="charge")
    bring(reversal(top_up, "charge.dispute.created", "dp", "needs_response", 1_000))
    with transaction.atomic():
        charging.refund_many([charging.Refund(charge.pk, 0, 40 * 950)], occasion="refused", now=timezone.now())
    has = standing(anna, now=timezone.now())
    assert (has.balance, has.debt) == (0, 0)
    assert list(books.check()) == []


@pytest.mark.parametrize(
    ("other", "doubt"),
    [
        ({"currency": "usd"}, "currency"),
        ({"amount_total": 100}, "amount"),
        ({"livemode": True}, "mode"),
        ({"metadata": {"account": "0"}}, "account"),
        ({"payment_intent": None}, "payment"),
    ],
)
def test_what_differs_from_our_row_is_not_credited_and_staff_is_told(anna, other, doubt):
    support = person("support", parts=0, balance=0, now=timezone.now(), is_staff=True)
    top_up = begun(anna)
    assert bring(paid(top_up, **other)) == 200
    top_up.refresh_from_db()
    assert (worth(anna), top_up.state, top_up.doubt) == (0, "open", doubt)
    assert Notice.objects.filter(user=support, text__contains=str(top_up.pk)).count() == 1
    bring(paid(top_up))
    top_up.refresh_from_db()
    assert (worth(anna), top_up.state, top_up.doubt) == (AMOUNT, "paid", "")


def test_another_session_of_the_same_top_up_is_doubted(anna):
    top_up = begun(anna)
    TopUp.objects.filter(pk=top_up.pk).update(session="cs_first")
    bring(paid(top_up))
    assert (worth(anna), TopUp.objects.get().doubt) == (0, "session")


def test_refunds_that_exceed_the_payment_wait_and_the_audit_tells(anna):
    top_up = begun(anna)
    bring(paid(top_up))
    bring(reversal(top_up, "refund.created", "re2", "succeeded", 600))
    bring(reversal(top_up, "refund.created", "re3", "succeeded", 600))
    assert worth(anna) == AMOUNT - 60_000
    assert [line.split(":")[0] for line in books.check()] == ["a refund or dispute of a payment is not in the books"]
    bring(reversal(top_up, "refund.failed", "re2", "failed", 600))
    assert worth(anna) == AMOUNT - 60_000
    assert list(books.check()) == []


def test_a_process_that_died_before_booking_is_made_good(anna):
    top_up = begun(anna)
    bring(paid(top_up))
    Reversal.objects.create(
        reference="re_x", kind="refund", payment=f"pi_{top_up.pk.hex}", amount=10_000, standing="taken", rank=2,
        created_at=timezone.now(),
    )  # fmt: skip
    [payment] = topping_up.unbooked(limit=5)
    topping_up.book_reversals(payment, now=timezone.now())
    assert (topping_up.unbooked(limit=5), worth(anna)) == ([], AMOUNT - 10_000)


def test_what_went_back_or_is_disputed_is_not_left_to_pay_back(anna):
    top_up = begun(anna)
    bring(paid(top_up))
    top_up.refresh_from_db()
    assert topping_up.refundable(top_up) == AMOUNT
    bring(reversal(top_up, "refund.created", "re1", "succeeded", 400))
    bring(reversal(top_up, "charge.dispute.created", "dp", "needs_response", 500))
    assert topping_up.refundable(top_up) == AMOUNT - 90_000


class TestOneWord:
    """Each word that must change nothing, alone; above they come in any order."""

    def test_a_payment_told_again_is_no_second_credit(self, anna):
        top_up = begun(anna)
        assert [bring(paid(top_up)), bring(paid(top_up))] == [200, 200]
        assert worth(anna) == AMOUNT

    def test_what_is_paid_does_not_expire(self, anna):
        top_up = begun(anna)
        bring(paid(top_up))
        bring(event("checkout.session.expired", {"client_reference_id": str(top_up.pk), "status": "expired"}))
        assert TopUp.objects.get().state == "paid"

    def test_what_is_not_paid_is_not_credited(self, anna):
        bring(paid(begun(anna), payment_status="unpaid"))
        assert (worth(anna), TopUp.objects.get().state) == (0, "open")

    @pytest.mark.parametrize("envelope", [{"livemode": True}, {"account": "acct_other"}])
    def test_an_event_of_the_other_mode_or_of_another_s_account(self, anna, envelope):
        assert bring(paid(begun(anna)) | envelope) == 200
        top_up = TopUp.objects.get()
        assert (worth(anna), top_up.state, top_up.doubt) == (0, "open", "")

    @pytest.mark.parametrize("secret", ["whsec_somebody", "", SECRET])
    def test_an_event_without_the_signature_or_an_old_one(self, anna, secret):
        assert bring(paid(begun(anna)), secret=secret, age=3_600 if secret == SECRET else 0) == 400
        assert worth(anna) == 0

    def test_any_event_where_the_office_has_no_secret(self, anna, settings):
        settings.STRIPE_WEBHOOK_SECRET = ""
        assert bring(paid(begun(anna)), secret="") == 404
        assert worth(anna) == 0

    @pytest.mark.parametrize("other", [{"currency": "usd"}, {"livemode": True}])
    def test_a_refund_of_another_currency_or_mode(self, anna, other):
        top_up = begun(anna)
        bring(paid(top_up))
        told = reversal(top_up, "refund.created", "re1", "succeeded", 400)
        told["data"]["object"] |= other
        assert bring(told) == 200
        assert worth(anna) == AMOUNT

    def test_an_older_one(self, anna):
        top_up = begun(anna)
        bring(paid(top_up))
        bring(reversal(top_up, "refund.failed", "re1", "failed", 400))
        bring(reversal(top_up, "refund.created", "re1", "pending", 400))
        assert worth(anna) == AMOUNT

    def test_the_same_one_again(self, anna):
        top_up = begun(anna)
        bring(paid(top_up))
        for status, left in (("pending", 400), ("succeeded", 400), ("succeeded", 400), ("failed", 0), ("failed", 0)):
            assert bring(reversal(top_up, "refund.updated", "re1", status, 400)) == 200
            assert worth(anna) == AMOUNT - left * 100

    def test_one_of_another_payment_under_the_same_name(self, anna):
        top_up = begun(anna)
        bring(paid(top_up))
        bring(reversal(top_up, "refund.created", "re1", "pending", 400))
        told = reversal(top_up, "refund.failed", "re1", "failed", 400)
        told["data"]["object"]["payment_intent"] = "pi_other"
        bring(told)
        assert Reversal.objects.get().standing == "taken"
        assert worth(anna) == AMOUNT - 40_000


class TestTheDatabaseRefuses:
    def test_a_balance_beside_a_debt(self, anna):
        account = charging.account_of(anna)
        account.balance, account.debt = 5, 5
        with pytest.raises(IntegrityError), transaction.atomic():
            account.save()

    def test_more_refunded_than_paid(self, anna):
        top_up = begun(anna)
        bring(paid(top_up))
        with pytest.raises(IntegrityError), transaction.atomic():
            TopUp.objects.update(refunded=AMOUNT + 1)

    def test_a_second_credit_of_one_payment(self, anna):
        top_up = begun(anna)
        bring(paid(top_up))
        line = Entry.objects.get(kind="top_up")
        line.pk = None
        with pytest.raises(IntegrityError), transaction.atomic():
            line.save(force_insert=True)

    def test_two_top_ups_of_one_payment(self, anna):
        bring(paid(begun(anna)))
        other = begun(anna)
        with pytest.raises(IntegrityError), transaction.atomic():
            TopUp.objects.filter(pk=other.pk).update(
                payment=TopUp.objects.get(state="paid").payment, state="paid", paid_at=timezone.now()
            )


class TestTheAuditSees:
    def test_a_payment_that_was_not_credited(self, anna):
        top_up = begun(anna)
        TopUp.objects.filter(pk=top_up.pk).update(state="paid", payment="pi_x", paid_at=timezone.now())
        assert [line.split(":")[0] for line in books.check()] == [
            "a payment was not credited once, in full, to its own account"
        ]

    def test_credit_without_a_payment(self, anna):
        account = charging.account_of(anna)
        type(account).objects.update(balance=5)
        Entry.objects.create(
            account=account, kind="top_up", amount=5, key="x", reference="x", created_at=timezone.now()
        )
        assert [line.split(":")[0] for line in books.check()] == ["credited without a payment"]

    def test_a_debt_that_no_entry_made(self, anna):
        type(charging.account_of(anna)).objects.update(debt=5)
        assert [line.split(":")[0] for line in books.check()] == ["debt is not the sum of its entries"]


def test_nobody_keeps_more_pages_open_than_a_person_would(anna):
    for _turn in range(topping_up.MOST_OPEN):
        begun(anna)
    with pytest.raises(topping_up.TooManyOpen):
        begun(anna)
    TopUp.objects.update(expires_at=timezone.now() - timedelta(minutes=1))
    begun(anna)
