"""The page of one SMS: its ten seconds, what became of each number, and the way back to the form."""

import uuid
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from contacts.models import User
from credit.allowance import standing
from sms import dispatch, holding, queue_sql, receipts, submission, sweeper
from sms.gateways import configured
from sms.gateways.contract import ReceiptState
from sms.models import Delivery, Draft, Message
from sms.submission import Recipient, Request
from tests.people import numbers, person

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def anna() -> User:
    return person(signature="Anna", balance=1_000_000, now=timezone.now())


@pytest.fixture
def page(anna: User) -> Client:
    client = Client()
    client.force_login(anna)
    return client


@pytest.fixture
def memory(settings):
    settings.SMS_GATEWAYS = {"memory": {"BACKEND": "sms.gateways.memory.Memory", "OPTIONS": {}}}
    return configured.gateway("memory")


def send(user: User, count: int = 1, *, waits: bool = False, text: str = "See you at 9", **more) -> Message:
    now = timezone.now()
    request = Request(
        user=user, text=text, to=[Recipient(number) for number in numbers(count)], occasion="form",
        request_key=str(uuid.uuid4()), not_before=now + submission.FORM_DELAY if waits else None, **more,
    )  # fmt: skip
    return submission.submit(request, now=now).message


def drain(at=None) -> int:
    return dispatch.drain("memory", clock=lambda: at or timezone.now())


def see(page: Client, message: Message, more: str = "") -> str:
    return page.get(f"/sms/{message.pk}/{more}").content.decode()


@pytest.mark.row("N13")
def test_for_ten_seconds_one_can_change_ones_mind_at_no_cost(page: Client, anna: User, memory) -> None:
    message = send(anna, 3, waits=True)
    html = see(page, message)
    assert "Sending…" in html
    assert 'class="ring ring-10"' in html
    assert '<noscript><meta http-equiv="refresh"' in html
    answer = page.post(f"/sms/{message.pk}/cancel/")
    assert (answer.status_code, answer["Location"]) == (303, f"/sms/{message.pk}/")
    assert "Cancelled: nobody gets them, and what they cost was paid back." in see(page, message)
    assert standing(anna, now=timezone.now()).available == 30
    assert drain(timezone.now() + timedelta(minutes=1)) == 0


@pytest.mark.parametrize(("count", "said"), [(1, False), (2, True)])
def test_what_it_cost_each_is_said_where_there_are_several(page: Client, anna: User, memory, count, said) -> None:
    html = see(page, send(anna, count))
    assert f"{count} SMS of the month&#x27;s allowance" in html
    assert ("1 SMS each" in html) == said


@pytest.mark.row("N13")
def test_the_ring_ends_with_the_ten_seconds(page: Client, anna: User, memory, time_machine) -> None:
    time_machine.move_to(timezone.now(), tick=False)
    message = send(anna, waits=True)
    time_machine.shift(7)
    assert 'class="ring ring-3"' in see(page, message)
    time_machine.shift(4)
    assert "ring-" not in see(page, message)


def test_cancel_says_how_many_had_left_already(page: Client, anna: User, memory) -> None:
    message = send(anna, 3)
    memory.play(["accept", "refuse_connection", "refuse_connection"])
    drain()
    page.post(f"/sms/{message.pk}/cancel/")
    assert "It has left our system. 2 were cancelled. What did not leave was paid back." in see(page, message)


@pytest.mark.row("S20", "N4")
def test_a_departure_is_told_with_its_proof_and_what_it_does_not_prove(page: Client, anna: User, memory) -> None:
    message = send(anna)
    drain()
    html = see(page, message)
    assert "It has left our system." in html
    assert "Paid: 1 SMS of the month&#x27;s allowance." in html
    assert "the gateway “memory” took it, under its reference memory-1." in html
    assert "That proves departure, not reception" in html


@pytest.mark.row("S20")
@pytest.mark.parametrize(
    ("state", "sentence"),
    [
        (ReceiptState.BUFFERED, "The operator keeps it until the telephone can be reached."),
        (ReceiptState.DELIVERED, "it does not prove that it was read."),
        (ReceiptState.UNDELIVERED, "It did leave, so it stays paid."),
    ],
)
def test_a_receipt_is_shown_as_information(page: Client, anna: User, memory, state, sentence: str) -> None:
    message = send(anna)
    drain()
    said = memory.receipt(memory.arrivals()[-1], state=state, at=timezone.now())
    receipts.keep("memory", [said], now=timezone.now())
    receipts.settle(now=timezone.now())
    html = see(page, message)
    assert sentence in html
    assert "That proves departure" not in html


@pytest.mark.row("N16", "N4")
def test_unknown_is_said_as_unknown_with_the_moment_it_is_decided(page: Client, anna: User, memory) -> None:
    message = send(anna)
    memory.play(["time_out_after"])
    drain()
    html = see(page, message)
    assert "Of one SMS we do not know whether it left." in html
    assert "We do not send it again by ourselves, as it could arrive twice." in html
    assert "it counts as not confirmed and is paid back." in html
    sweeper.sweep(now=timezone.now() + timedelta(hours=25))
    html = see(page, message)
    assert "It may have arrived all the same." in html
    assert "Paid back to where it came from: 1 SMS of the month&#x27;s allowance." in html
    assert "Send again to the unconfirmed: it may arrive twice" in html


@pytest.mark.row("N16", "S20")
def test_what_our_relay_took_and_the_operator_never_answered_is_said_so(page: Client, anna: User, memory) -> None:
    message = send(anna)
    memory.play(["relay"])
    drain()
    sweeper.sweep(now=timezone.now() + timedelta(hours=2))
    html = see(page, message)
    assert "our own relay took it, but the operator said neither yes nor no." in html
    assert "the connection ended before the gateway answered" not in html


@pytest.mark.row("N4")
def test_a_refusal_says_why_and_what_was_paid_back(page: Client, anna: User, memory) -> None:
    message = send(anna)
    memory.play(["refuse"])
    drain()
    html = see(page, message)
    assert "One was refused. What did not leave was paid back." in html
    assert "the gateway “memory” refused it. Its reason: not_possible." in html


def test_what_waits_too_long_says_so(page: Client, anna: User, memory) -> None:
    message = send(anna)
    sweeper.sweep(now=timezone.now() + timedelta(hours=25))
    assert "One waited too long and was not sent." in see(page, message)


def test_a_gateway_that_cannot_be_reached_is_told_with_the_next_try(page: Client, anna: User, memory) -> None:
    message = send(anna)
    memory.play(["refuse_connection"])
    drain()
    html = see(page, message)
    assert "The gateway could not be reached. Nothing has left." in html
    assert "Your SMS is on its way." in html


def test_a_hand_over_under_way_is_no_departure(page: Client, anna: User, memory) -> None:
    message = send(anna, 2)
    now = timezone.now()
    claimed = queue_sql.claim("memory", token=1, limit=2, now=now, lease_until=now + timedelta(minutes=1))
    ids = [row.id for row in claimed]
    attempts = queue_sql.mark_sending(ids, token=1, now=now, lease_until=now + timedelta(minutes=1))
    queue_sql.record_relayed([(ids[0], attempts[ids[0]], "relay-1")], now=now)
    html = see(page, message)
    assert "Our own relay has it. That is no departure yet" in html
    assert "Whether it has left is known as soon as the gateway answers." in html


def test_a_hold_of_the_office_is_said(page: Client, anna: User, memory) -> None:
    message = send(anna)
    holding.hold(why="test", now=timezone.now())
    assert "The office holds all SMS for the moment." in see(page, message)


def test_the_moving_part_is_sent_only_when_it_has_changed(page: Client, anna: User, memory) -> None:
    message = send(anna, 2)
    first = page.get(f"/sms/{message.pk}/live/")
    seen = first.context["view"].seen
    assert page.get(f"/sms/{message.pk}/live/?seen={seen}").status_code == 204
    drain()
    html = page.get(f"/sms/{message.pk}/live/?seen={seen}").content.decode()
    assert "2 SMS have left our system." in html
    assert "<html" not in html


def test_it_looks_again_ever_less_often_and_stops(page: Client, anna: User, memory, time_machine) -> None:
    time_machine.move_to(timezone.now(), tick=False)
    message = send(anna)
    assert 'hx-trigger="every 1s"' in see(page, message)
    time_machine.shift(timedelta(minutes=3))
    assert 'hx-trigger="every 10s"' in see(page, message)
    drain()
    assert 'hx-trigger="every 5s"' in see(page, message)
    time_machine.shift(timedelta(minutes=10))
    assert 'hx-trigger="every' not in see(page, message)
    assert "refresh" not in see(page, message)


@pytest.mark.row("S5")
def test_a_list_has_a_bar_with_counts_and_pages(page: Client, anna: User, memory) -> None:
    message = send(anna, 130)
    memory.play(["refuse"])
    drain()
    html = see(page, message)
    assert '<progress class="bar-accent" id="sms-bar" value="130" max="130">' in html
    assert '<span class="figure">129</span> left our system' in html
    assert html.count('id="sms-row-') == 100
    html = see(page, message, "?after=99")
    assert html.count('id="sms-row-') == 30
    assert 'id="sms-row-129"' in html


def test_a_planned_sms_says_when_it_goes_and_can_be_cancelled(page: Client, anna: User, memory) -> None:
    message = send(anna, 2, release_at=timezone.now() + timedelta(days=2))
    html = see(page, message)
    assert "Planned for" in html
    assert "it is paid when it goes." in html
    assert "+32 470 00 00 01" in html
    page.post(f"/sms/{message.pk}/cancel/")
    assert "You cancelled it. Nobody gets it, and it cost nothing." in see(page, message)


def test_a_planned_sms_without_credit_says_why_it_was_not_sent(page: Client, anna: User, memory) -> None:
    message = send(anna, 400, release_at=timezone.now() + timedelta(days=2), text="a" * 1000)
    sweeper.sweep(now=timezone.now() + timedelta(days=2))
    assert "there was not enough credit. Nothing was paid." in see(page, message)


@pytest.mark.row("N13", "S22")
def test_a_cancelled_one_goes_back_on_the_form_as_it_was_written(page: Client, anna: User, memory) -> None:
    message = send(anna, 2, waits=True, text="See you at 9\nAnna")
    page.post(f"/sms/{message.pk}/cancel/")
    assert page.post(f"/sms/{message.pk}/again/", {"which": "cancelled"})["Location"] == "/sms/"
    draft = Draft.objects.get(user=anna)
    assert (draft.to, draft.text, draft.sign) == (numbers(2), "See you at 9", True)


def test_only_those_it_did_not_reach_go_back(page: Client, anna: User, memory) -> None:
    message = send(anna, 3)
    memory.play(["accept", "refuse", "time_out_after"])
    drain()
    page.post(f"/sms/{message.pk}/again/", {"which": "failed"})
    assert Draft.objects.get(user=anna).to == numbers(1, start=1)


def test_an_unsent_sms_is_replaced_only_when_one_says_so(page: Client, anna: User, memory) -> None:
    message = send(anna, waits=True)
    Draft.objects.create(user=anna, to=["+32475123456"], text="Not yet sent", changed_at=timezone.now())
    page.post(f"/sms/{message.pk}/cancel/")
    answer = page.post(f"/sms/{message.pk}/again/", {"which": "cancelled"})
    assert "Not yet sent" in answer.content.decode()
    assert Draft.objects.get(user=anna).text == "Not yet sent"
    page.post(f"/sms/{message.pk}/again/", {"which": "cancelled", "replace": "1"})
    assert Draft.objects.get(user=anna).text == "See you at 9"


def test_anothers_sms_does_not_exist_and_is_not_touched(anna: User, memory) -> None:
    message = send(anna, waits=True)
    client = Client()
    client.force_login(person("carla"))
    assert client.get(f"/sms/{message.pk}/").status_code == 404
    assert client.get(f"/sms/{message.pk}/live/").status_code == 404
    assert client.post(f"/sms/{message.pk}/cancel/").status_code == 404
    assert client.post(f"/sms/{message.pk}/again/").status_code == 404
    assert Delivery.objects.get().state == "queued"
    assert not Draft.objects.exists()
