"""Between the office and Stripe, played by the double in this process: what goes out, what comes in, what fails."""

import json
from datetime import UTC, datetime, timedelta

import pytest
import stripe as library
from django.utils import timezone

from credit import books, checkout, receipt, topping_up
from credit.allowance import standing
from credit.models import RefundOrder, TopUp
from office.stripe_double import pages
from office.stripe_double.events import Postman
from office.stripe_double.server import Double, LiveKey, Place
from tests.payments import KEY
from tests.people import person

pytestmark = [pytest.mark.django_db, pytest.mark.row("S13")]
BALANCE = "/settings/account/balance/"


@pytest.fixture
def anna(client):
    user = person(parts=0, balance=0, now=timezone.now(), email="anna@example.org")
    client.force_login(user)
    return user


def start(client, **data) -> TopUp:
    """Choose an amount on the page; return the top-up that it began."""
    answer = client.post(BALANCE, {"amount": "250000"} | data)
    assert answer.status_code == 303, answer.content.decode()
    return TopUp.objects.get(state="open")


def press(double: Double, top_up: TopUp, what: str) -> str:
    """Press a button on the payment page; return where it leads."""
    top_up.refresh_from_db()
    return pages.press(double.records, f"/pay/{top_up.session}", what).location


def balance_of(user) -> int:
    return standing(user, now=timezone.now()).balance


class Office:
    """Takes events as the office's own address would, for a postman without a network."""

    def __init__(self, client) -> None:
        self.client = client

    def bring_all(self, double: Double) -> list[int]:
        statuses = []
        for event in list(double.records.events.values()):
            if event["pending_webhooks"]:
                body = json.dumps(event).encode()
                from office.stripe_double.events import signature

                headers = {"Stripe-Signature": signature(body, "whsec_test")}
                answer = self.client.post("/stripe/webhook/", body, content_type="application/json", headers=headers)
                statuses.append(answer.status_code)
                event["pending_webhooks"] = 0
        return statuses


def test_the_page_leads_to_stripe_after_our_row_is_written(client, anna, double):
    answer = client.post(BALANCE, {"amount": "250000"})
    top_up = TopUp.objects.get()
    assert answer["Location"] == f"{double.address}/pay/{top_up.session}"
    assert f"form-action 'self' {double.address}" in client.get(BALANCE)["Content-Security-Policy"]
    session = double.records.sessions[top_up.session]
    assert (session["amount_total"], session["currency"], session["client_reference_id"]) == (
        2500,
        "eur",
        str(top_up.pk),
    )
    assert "number" not in json.dumps(session)


def test_coming_back_credits_without_any_event_and_once(client, anna, double):
    top_up = start(client)
    back = press(double, top_up, "pay")
    assert back.endswith(f"{BALANCE}{top_up.pk}/")
    page = client.get(f"{BALANCE}{top_up.pk}/").content.decode()
    assert "€25.00 was added to your balance" in page
    assert balance_of(anna) == 250_000
    assert Office(client).bring_all(double) == [200]
    client.get(f"{BALANCE}{top_up.pk}/")
    assert balance_of(anna) == 250_000
    assert list(books.check()) == []


def test_the_event_credits_before_the_user_is_back(client, anna, double):
    top_up = start(client)
    press(double, top_up, "pay")
    assert Office(client).bring_all(double) == [200]
    assert balance_of(anna) == 250_000


def test_who_is_back_before_stripe_knows_sees_that_it_is_being_confirmed(client, anna, double):
    top_up = start(client)
    page = client.get(f"{BALANCE}{top_up.pk}/").content.decode()
    assert "Being confirmed" in page
    assert 'hx-trigger="every 2s"' in page
    assert '<meta http-equiv="refresh" content="5">' in page
    press(double, top_up, "pay")
    assert "Being confirmed" in client.get(f"{BALANCE}{top_up.pk}/").content.decode(), "asked a moment ago"
    TopUp.objects.update(asked_at=timezone.now() - checkout.ASK_AGAIN_AFTER - timedelta(seconds=1))
    answer = client.get(f"{BALANCE}{top_up.pk}/", headers={"HX-Request": "true"})
    assert answer["HX-Refresh"] == "true"
    assert "<html" not in answer.content.decode()
    assert balance_of(anna) == 250_000


def test_a_declined_card_pays_nothing_and_may_try_again(client, anna, double):
    top_up = start(client)
    assert press(double, top_up, "decline") == ""
    client.get(f"{BALANCE}{top_up.pk}/")
    assert balance_of(anna) == 0
    assert press(double, top_up, "refuse") == ""
    press(double, top_up, "pay")
    Office(client).bring_all(double)
    assert balance_of(anna) == 250_000


def test_who_cancels_is_told_that_nothing_was_charged_and_can_still_pay(client, anna, double):
    top_up = start(client)
    assert press(double, top_up, "leave").endswith("?left=1")
    page = client.get(f"{BALANCE}{top_up.pk}/?left=1").content.decode()
    assert "Nothing was charged" in page
    answer = client.post(f"{BALANCE}{top_up.pk}/pay/")
    assert answer["Location"] == f"{double.address}/pay/{top_up.session}"


def test_a_lost_answer_makes_no_second_payment_page(client, anna, double):
    top_up = start(client)
    TopUp.objects.update(session=None)  # as if Stripe's answer had been lost
    press_again = client.post(f"{BALANCE}{top_up.pk}/pay/")
    assert press_again.status_code == 303
    assert len(double.records.sessions) == 1


def test_a_page_that_has_ended_is_not_opened_again(client, anna, double):
    """Paid in another tab, and no event has come yet: asking Stripe for the page credits it."""
    top_up = start(client)
    press(double, top_up, "pay")
    assert client.post(f"{BALANCE}{top_up.pk}/pay/")["Location"] == f"{BALANCE}{top_up.pk}/"
    assert balance_of(anna) == 250_000


def test_the_sweep_asks_for_what_nobody_told(client, anna, double):
    top_up = start(client)
    press(double, top_up, "pay")
    later = timezone.now() + checkout.SWEEP_AFTER + timedelta(seconds=5)
    assert checkout.ask_open(now=timezone.now()) == 0
    assert checkout.ask_open(now=later) == 1
    assert balance_of(anna) == 250_000
    assert checkout.ask_open(now=later + timedelta(hours=1)) == 0


def test_the_sweep_ends_a_page_that_nobody_paid(client, anna, double):
    top_up = start(client)
    double.records.sessions[TopUp.objects.get().session]["expires_at"] = 1
    checkout.ask_open(now=timezone.now() + timedelta(hours=2))
    top_up.refresh_from_db()
    assert top_up.state == "expired"
    assert "Nothing was paid" in client.get(f"{BALANCE}{top_up.pk}/").content.decode()


def test_events_that_never_came_are_read_from_stripe(client, anna, double):
    top_up = start(client)
    press(double, top_up, "pay")
    [payment] = double.records.payments.values()
    double.records.refund(payment, 500, {})
    assert checkout.ask_missed(now=timezone.now()) == 2
    assert balance_of(anna) == 200_000
    assert list(books.check()) == []


def test_the_event_of_a_charge_makes_us_ask_for_its_refunds(client, anna, double):
    top_up = start(client)
    press(double, top_up, "pay")
    [payment] = double.records.payments.values()
    double.records.refund(payment, 500, {})
    told = {"type": "charge.refunded", "livemode": False, "data": {"object": {"payment_intent": payment["id"]}}}
    checkout.settle_event(told, now=timezone.now())
    Office(client).bring_all(double)
    assert balance_of(anna) == 200_000


def test_stripe_away_charges_nothing_and_says_so(client, anna, settings):
    settings.STRIPE_SECRET_KEY, settings.STRIPE_API_BASE = KEY, "http://127.0.0.1:9"
    answer = client.post(BALANCE, {"own": "12,50"})
    assert answer.status_code == 422
    page = answer.content.decode()
    assert "Nothing was charged" in page
    assert 'value="12,50"' in page
    assert TopUp.objects.get().state == "open"


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ({}, "Choose an amount"),
        ({"own": "4.99"}, "from €5.00 to €500.00"),
        ({"own": "500.01"}, "from €5.00 to €500.00"),
        ({"own": "12.345"}, "Type whole cents"),
        ({"own": "much"}, "Enter a number"),
        ({"own": "NaN"}, "Enter a number"),
        ({"own": "1e99"}, "from €5.00 to €500.00"),
        ({"amount": "1"}, "not one of the available choices"),
    ],
)
def test_what_is_no_amount_is_told_at_the_field_and_kept(client, anna, double, typed, told):
    answer = client.post(BALANCE, typed)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert told in page
    assert f'value="{typed.get("own", "")}"' in page or "own" not in typed
    assert not TopUp.objects.exists()


def test_the_way_back_stays_inside_the_office(client, anna, double):
    start(client, next="/sms/")
    assert TopUp.objects.get().back_to == "/sms/"
    for evil in ("https://evil.example/", "//evil.example/", "javascript:alert(1)", "/\\evil.example"):
        TopUp.objects.all().delete()
        start(client, next=evil)
        assert TopUp.objects.get().back_to == ""


def test_without_a_key_the_page_says_whom_to_ask(client, anna, settings):
    settings.STRIPE_SECRET_KEY = ""
    page = client.get(BALANCE).content.decode()
    assert "not set up" in page
    assert "support" in page
    assert "<fieldset" not in page
    assert client.post(BALANCE, {"amount": "250000"}).status_code == 422
    assert client.post("/stripe/webhook/").status_code == 404


class TestTheWebhook:
    def test_without_a_secret_nothing_is_signed(self, settings):
        from office.stripe_double.events import signature

        body = b'{"type": "x", "data": {"object": {}}}'
        settings.STRIPE_WEBHOOK_SECRET = "whsec_test"
        assert checkout.read_event(body, signature(body, "whsec_test"))["type"] == "x"
        settings.STRIPE_WEBHOOK_SECRET = ""
        with pytest.raises(checkout.Forged):
            checkout.read_event(body, signature(body, ""))

    @pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"\xff", b'{"type": "x"}', b'{"type": "x", "data": {}}'])
    def test_what_is_no_event_is_400_even_if_signed(self, client, double, body):
        from office.stripe_double.events import signature

        headers = {"Stripe-Signature": signature(body, "whsec_test")}
        answer = client.post("/stripe/webhook/", body, content_type="application/json", headers=headers)
        assert answer.status_code == 400

    def test_too_long_is_413(self, client, double):
        assert client.post("/stripe/webhook/", b"x" * 600_000, content_type="text/plain").status_code == 413

    def test_another_kind_of_event_is_taken_and_changes_nothing(self, client, double):
        double.records.tell("customer.created", {"id": "cus_1"})
        assert Office(client).bring_all(double) == [200]


class TestRefundsOfStaff:
    @pytest.fixture
    def top_up(self, client, anna, double) -> TopUp:
        top_up = start(client)
        press(double, top_up, "pay")
        Office(client).bring_all(double)
        top_up.refresh_from_db()
        return top_up

    def test_asked_twice_it_is_paid_back_once(self, top_up, anna, double, client):
        order = topping_up.order_refund(top_up, amount=100_000, why="asked for it", by=anna, now=timezone.now())
        checkout.ask_refund(order, now=timezone.now())
        RefundOrder.objects.update(reference="")  # as if the answer had been lost
        checkout.ask_refunds_due(now=timezone.now() + timedelta(minutes=5))
        Office(client).bring_all(double)
        assert len(double.records.refunds) == 1
        assert balance_of(anna) == 150_000
        assert RefundOrder.objects.get().reference.startswith("re_")
        assert list(books.check()) == []

    def test_no_more_than_is_left(self, top_up, anna):
        topping_up.order_refund(top_up, amount=200_000, why="asked", by=anna, now=timezone.now())
        assert topping_up.refundable(top_up) == 50_000
        with pytest.raises(topping_up.CannotRefund):
            topping_up.order_refund(top_up, amount=50_001, why="asked", by=anna, now=timezone.now())

    @pytest.mark.parametrize("amount", [0, -1])
    def test_something_must_be_left_to_order(self, top_up, anna, amount):
        with pytest.raises(topping_up.CannotRefund):
            topping_up.order_refund(top_up, amount=amount, why="asked", by=anna, now=timezone.now())

    def test_what_stripe_refuses_is_written_down_and_frees_the_amount(self, top_up, anna, double):
        [payment] = double.records.payments.values()
        double.records.refund(payment, 2_500, {})
        order = topping_up.order_refund(top_up, amount=100_000, why="asked", by=anna, now=timezone.now())
        checkout.ask_refund(order, now=timezone.now())
        order.refresh_from_db()
        assert order.refused == "charge_already_refunded"
        assert balance_of(anna) == 250_000


class TestTheReceipt:
    @pytest.fixture
    def top_up(self, client, anna, double) -> TopUp:
        top_up = start(client)
        press(double, top_up, "pay")
        Office(client).bring_all(double)
        top_up.refresh_from_db()
        return top_up

    @pytest.mark.parametrize(
        ("paid", "rate", "net"),
        [
            (250_000, 2_100, 206_600),
            (100_000, 2_100, 82_600),
            (100_000, 0, 100_000),
            (100, 2_100, 100),
            (333_300, 550, 315_900),
        ],
    )
    def test_net_and_vat_add_up_to_the_cent(self, paid, rate, net):
        assert receipt.vat_lines(paid, rate=rate) == (net, paid - net)

    def test_the_page_and_the_pdf(self, client, top_up, settings):
        settings.RECEIPT_SELLER, settings.VAT_NUMBER = "Office BV | Street 1 | 1000 Brussels", "BE 0123.456.789"
        page = client.get(f"{BALANCE}{top_up.pk}/receipt/").content.decode()
        assert all(words in page for words in ("Street 1", "BE 0123.456.789", "VAT 21%", "€20.66", "€4.34", "€25.00"))
        answer = client.get(f"{BALANCE}{top_up.pk}/receipt.pdf")
        assert answer["Content-Type"] == "application/pdf"
        assert answer.content.startswith(b"%PDF-")

    def test_its_moment_is_written_as_on_every_page_with_its_zone(self, client, top_up):
        TopUp.objects.update(paid_at=datetime(2026, 11, 27, 15, 17, tzinfo=UTC))
        page = client.get(f"{BALANCE}{top_up.pk}/receipt/").content.decode()
        assert "27 November 2026, 16:17 (Europe/Brussels)" in page

    def test_the_rate_is_that_of_the_day(self, client, top_up, settings):
        settings.VAT_RATE = 600
        assert "VAT 21%" in client.get(f"{BALANCE}{top_up.pk}/receipt/").content.decode()

    def test_one_that_was_not_paid_has_none(self, client, anna, double):
        top_up = start(client)
        assert client.get(f"{BALANCE}{top_up.pk}/receipt/").status_code == 404
        assert client.get(f"{BALANCE}{top_up.pk}/receipt.pdf").status_code == 404

    def test_it_is_mailed_once_in_the_users_language(self, top_up, anna, mailoutbox):
        anna.language = "nl"
        anna.save()
        now = timezone.now()
        assert [receipt.mail_due(now=now), receipt.mail_due(now=now + timedelta(hours=1))] == [1, 0]
        [mail] = mailoutbox
        assert mail.to == ["anna@example.org"]
        [(name, content, kind)] = mail.attachments
        assert (name.endswith(".pdf"), content[:5], kind) == (True, b"%PDF-", "application/pdf")

    def test_one_that_another_worker_has_taken_is_left(self, top_up, mailoutbox):
        TopUp.objects.update(mail_from_at=timezone.now() + receipt.RETRY_AFTER)
        assert receipt.mail_due(now=timezone.now()) == 0

    def test_a_mail_server_that_is_away_is_tried_again(self, top_up, mailoutbox, monkeypatch):
        def away(_mail):
            raise OSError

        now = timezone.now()
        with monkeypatch.context() as patched:
            patched.setattr("django.core.mail.EmailMessage.send", away)
            assert receipt.mail_due(now=now) == 0
        assert receipt.mail_due(now=now) == 0
        assert receipt.mail_due(now=now + receipt.RETRY_AFTER) == 1


class TestTheDouble:
    def client(self, double: Double, key: str = KEY) -> library.StripeClient:
        return library.StripeClient(key, base_addresses={"api": double.address}, max_network_retries=0)

    def test_it_refuses_live_keys(self, double):
        with pytest.raises(LiveKey):
            Double(Place(host="127.0.0.1", port=0, key="sk_live_x", webhook="", secret=""))
        for key in ("sk_live_x", "rk_live_x", "sk_test_other"):
            with pytest.raises(library.AuthenticationError):
                self.client(double, key).v1.refunds.list({"payment_intent": "x"})

    def test_its_errors_are_of_stripes_kinds(self, double):
        with pytest.raises(library.InvalidRequestError) as missing:
            self.client(double).v1.checkout.sessions.retrieve("cs_none")
        assert (missing.value.code, missing.value.http_status) == ("resource_missing", 404)
        with pytest.raises(library.InvalidRequestError):
            self.client(double).v1.checkout.sessions.create({"mode": "payment"})

    def test_it_remembers_what_was_asked_under_a_key(self, double, client, anna):
        top_up = start(client)
        press(double, top_up, "pay")
        [payment] = double.records.payments
        ask = {"payment_intent": payment, "amount": 100}
        first = self.client(double).v1.refunds.create(ask, {"idempotency_key": "k"})
        assert self.client(double).v1.refunds.create(ask, {"idempotency_key": "k"}).id == first.id
        with pytest.raises(library.IdempotencyError):
            self.client(double).v1.refunds.create(ask | {"amount": 200}, {"idempotency_key": "k"})

    def test_it_keeps_what_it_holds(self, tmp_path, double, client, anna):
        from office.stripe_double.records import Records

        top_up = start(client)
        double.records.file = tmp_path / "double.json"
        press(double, top_up, "pay")
        assert Records(tmp_path / "double.json").payments == double.records.payments

    def test_every_page_says_that_no_card_is_charged(self, double, client, anna):
        top_up = start(client)
        path = f"/pay/{TopUp.objects.get().session}"
        shown = [pages.show(double.records, path), pages.press(double.records, path, "decline")]
        shown.append(pages.press(double.records, path, "secure"))
        press(double, top_up, "pay")
        shown += [
            pages.show(double.records, path),
            pages.show(double.records, "/"),
            pages.show(double.records, "/pay/x"),
        ]
        assert all("No card is charged" in page.html for page in shown)

    def test_events_are_brought_again_until_they_are_taken(self, double, monkeypatch):
        double.records.tell("x", {})
        answers, brought = [False, False, True], []
        postman = Postman(double.records, "http://127.0.0.1:9/", "whsec")
        monkeypatch.setattr(postman, "_taken", lambda body: brought.append(body) or answers.pop(0))
        for _round in range(5):
            postman.tries = {key: (failed, 0.0) for key, (failed, _after) in postman.tries.items()}
            postman.round()
        assert len(brought) == 3
        assert len(set(brought)) == 1
