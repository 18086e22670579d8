"""Support finds a message in seconds and sees its life; its text only with a reason that its sender reads (N17, A4)."""

import uuid
from datetime import UTC, date, datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone, translation
from playwright.sync_api import expect

from contacts.models import Notice, StaffAct, User
from office.lifeline import day_in
from sms import dispatch, submission
from sms.gateways import configured
from sms.models import Delivery, Message
from tests.browser import aside
from tests.people import numbers, person

TEXT = "The key lies under the mat"
FIRST = "0470 00 00 00"
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.row("N17")]


@pytest.fixture
def memory(settings):
    settings.SMS_GATEWAYS = {"memory": {"BACKEND": "sms.gateways.memory.Memory", "OPTIONS": {}}}
    return configured.gateway("memory")


@pytest.fixture
def anna() -> User:
    return person("anna", email="anna@example.com", last_name="Peeters", balance=1_000_000, now=timezone.now())


@pytest.fixture
def support() -> User:
    return person("support", is_staff=True, is_superuser=True)


@pytest.fixture
def client(support: User) -> Client:
    client = Client()
    client.force_login(support)
    return client


def send(user: User, count: int = 1, *, start: int = 0, **more) -> Message:
    to = [submission.Recipient(number, f"Person {number[-2:]}") for number in numbers(count, start=start)]
    key = str(uuid.uuid4())
    request = submission.Request(user=user, text=TEXT, to=to, occasion="form", request_key=key, **more)
    return submission.submit(request, now=timezone.now()).message


def found(client: Client, search: str) -> list[Message]:
    return list(client.get("/admin/sms/message/", {"q": search}).context["cl"].result_list)


def page(client: Client, message: Message, **query) -> str:
    return client.get(f"/admin/sms/message/{message.pk}/change/", query).content.decode()


def show_text(client: Client, message: Message, why: str):
    return client.post(f"/admin/sms/message/{message.pk}/text/", {"why": why})


class TestFinding:
    @pytest.mark.parametrize(
        "search",
        [FIRST, "+32470000000", "0032 470 000000", "32 470/00.00.00", "anna", "peeters", "Anna@Example.com"],
    )
    def test_by_number_and_by_user(self, client, memory, anna, search):
        mine = send(anna)
        send(person("ben"), start=5)
        assert found(client, search) == [mine]

    def test_by_id_and_by_what_the_gateway_calls_it(self, client, memory, anna):
        mine, other = send(anna, 2), send(anna, start=5)
        dispatch.drain("memory", clock=timezone.now)
        last = mine.deliveries.get(position=1)
        assert last.reference
        for search in (str(mine.pk), mine.pk.hex, str(last.pk), last.reference):
            assert found(client, search) == [mine], search
        assert found(client, str(uuid.uuid4())) == []
        assert other in found(client, "anna")

    def test_a_planned_one_by_its_number(self, client, memory, anna):
        planned = send(anna, release_at=timezone.now() + timedelta(days=1))
        assert found(client, FIRST) == [planned]

    def test_by_day_alone_and_beside_something_else(self, client, memory, anna):
        old, new = send(anna), send(anna)
        Message.objects.filter(pk=old.pk).update(created_at=datetime(2026, 10, 31, 23, 30, tzinfo=UTC))
        assert found(client, "2026-11-01") == [old]  # in the reader's zone it is November
        assert found(client, f"2026-11-01 {FIRST}") == [old]
        assert found(client, f"{FIRST} {timezone.localtime(new.created_at).date()}") == [new]
        assert found(client, "2026-10-31") == []

    @pytest.mark.parametrize(
        ("language", "search"), [("nl", "1/11/2026 anna"), ("fr", "01/11/2026 anna"), ("en", "anna 2026-11-01")]
    )
    def test_a_day_is_read_as_the_reader_writes_it(self, language, search):
        with translation.override(language):
            assert day_in(search) == (date(2026, 11, 1), "anna")

    @pytest.mark.parametrize("search", ["0475/12.34.56", "2026-13-45", "ref-1.2"])
    def test_what_is_no_day_is_left_whole(self, search):
        assert day_in(search) == (None, search)

    @pytest.mark.parametrize("search", ["9" * 30, "é\x00", "%", "🙂", "+", "  "])
    def test_nothing_that_is_typed_is_an_error(self, client, memory, anna, search):
        send(anna)
        assert client.get("/admin/sms/message/", {"q": search}).status_code == 200

    def test_a_list_takes_few_statements_and_shows_no_text(self, client, memory, anna, django_assert_max_num_queries):
        for _ in range(20):
            send(anna)
        with django_assert_max_num_queries(12):
            answer = client.get("/admin/sms/message/", {"q": FIRST})
        assert len(answer.context["cl"].result_list) == 20
        assert TEXT not in answer.content.decode()


class TestLife:
    def test_composed_paid_handed_over_taken_with_its_reference(self, client, memory, anna):
        message = send(anna)
        dispatch.drain("memory", clock=timezone.now)
        told = page(client, message)
        for word in ("You wrote it", "Paid:", "Handed over", "It has left our system", "+32 470 00 00 00"):
            assert word in told
        assert message.deliveries.get().reference in told
        assert f"/admin/contacts/user/{anna.pk}/change/" in told

    def test_refunded(self, client, memory, anna):
        message = send(anna, not_before=timezone.now() + timedelta(hours=1))
        submission.cancel(message, now=timezone.now())
        assert "Paid back to where it came from" in page(client, message)

    def test_one_number_of_a_long_list(self, client, memory, anna):
        message = send(anna, 120)
        assert "The next ones" in page(client, message)
        told = page(client, message, number="0470 00 01 19")
        assert "+32 470 00 01 19" in told
        assert told.count("staff-delivery") == 1
        assert "not among them" in page(client, message, number="0475 99 99 99")
        assert page(client, message, after=99).count("staff-delivery") == 20

    def test_nobody_changes_it(self, client, memory, anna):
        message = send(anna)
        client.post(f"/admin/sms/message/{message.pk}/change/", {"text": "another", "state": "cancelled"})
        assert client.post(f"/admin/sms/message/{message.pk}/delete/", {"post": "yes"}).status_code == 403
        assert client.get("/admin/sms/message/add/").status_code == 403
        message.refresh_from_db()
        assert (message.text, message.state) == (TEXT, "accepted")
        assert client.get(f"/admin/sms/message/{uuid.uuid4()}/change/").status_code == 404


class TestText:
    def test_it_is_not_there_without_a_reason(self, client, memory, anna):
        message = send(anna)
        assert TEXT not in page(client, message)
        answer = show_text(client, message, " ")
        assert TEXT not in answer.content.decode()
        assert not StaffAct.objects.exists()
        assert not Notice.objects.exists()
        assert client.get(f"/admin/sms/message/{message.pk}/text/").status_code == 200
        assert TEXT not in client.get(f"/admin/sms/message/{message.pk}/text/").content.decode()

    def test_with_a_reason_it_is_shown_once_recorded_and_told(self, client, memory, anna, support):
        message = send(anna)
        answer = show_text(client, message, "You asked why it was cut")
        assert TEXT in answer.content.decode()
        assert "no-store" in answer["Cache-Control"]
        act = StaffAct.objects.get()
        assert (act.by, act.kind, act.model, act.key, act.why) == (
            support, "read", "sms.message", str(message.pk), "You asked why it was cut",
        )  # fmt: skip
        assert TEXT not in str(act.changes)
        notice = Notice.objects.get(user=anna)
        assert "support" in notice.text
        assert "You asked why it was cut" in notice.text
        assert notice.link == f"/sms/{message.pk}/"
        assert notice.mail_from_at
        assert TEXT not in page(client, message)
        assert TEXT in show_text(client, message, "once more").content.decode()
        assert Notice.objects.filter(user=anna).count() == 2

    def test_where_it_cannot_be_told_it_is_not_shown(self, client, memory, anna, monkeypatch):
        def broken(*_, **__):
            raise RuntimeError("no room")

        monkeypatch.setattr("contacts.notices.tell", broken)
        client.raise_request_exception = False
        assert TEXT not in show_text(client, send(anna), "curious").content.decode()
        assert not StaffAct.objects.exists()

    def test_its_sender_reads_it_in_the_own_language(self, client, memory, anna):
        User.objects.filter(pk=anna.pk).update(language="nl")
        show_text(client, send(anna), "nagekeken")
        assert "de tekst van uw sms" in Notice.objects.get(user=anna).text

    @pytest.mark.parametrize("rights", [{"is_staff": True}, {}])
    def test_it_is_for_staff_with_the_right_to_it(self, memory, anna, rights):
        message, other = send(anna), Client()
        other.force_login(person("ben", **rights))
        assert show_text(other, message, "curious").status_code in {302, 403}
        assert not StaffAct.objects.exists()


@pytest.mark.usefixtures("memory")
@pytest.mark.parametrize("width", [375, 1280])
def test_a_support_answer_in_a_browser(anna, support, open_page, sign_in, width):
    """From the number to the life-line and the text, under the office's own security policy."""
    message = send(anna)
    aside(lambda: dispatch.drain("memory", clock=timezone.now))
    desk = open_page(width=width)
    sign_in(desk, support)
    desk.goto("/admin/")
    desk.get_by_role("searchbox").fill(FIRST)
    desk.get_by_role("button", name="Search").click()
    desk.locator("#result_list tbody a").first.click()
    expect(desk.get_by_text("It has left our system: the gateway")).to_be_visible()
    desk.get_by_label("Reason").fill("You asked why it was cut")
    desk.get_by_role("button", name="Show the text once").click()
    expect(desk.get_by_text(TEXT)).to_be_visible()
    desk.get_by_role("link", name=str(anna)).click()
    expect(desk.get_by_role("heading", name="Change user")).to_be_visible()
    for address in ("/admin/gateways/", "/admin/sms/message/", "/admin/contacts/staffact/"):
        desk.goto(address)
        assert desk.evaluate("document.documentElement.scrollWidth <= innerWidth"), address
    assert StaffAct.objects.get().key == str(message.pk)


def test_deliveries_are_found_by_an_index(memory, anna, client):
    """A reference is looked up with its gateway: so the index of receipts serves."""
    send(anna)
    dispatch.drain("memory", clock=timezone.now)
    reference = Delivery.objects.get().reference
    plan = Delivery.objects.filter(gateway__in=["memory"], reference=reference).explain()
    assert "delivery_by_reference" in plan or "Seq Scan" in plan
