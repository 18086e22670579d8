"""Accepted = paid = stored: the front door, on both databases."""

import os
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from contacts.models import User
from credit import books as credit_books
from credit.allowance import standing
from credit.models import Entry
from sms import books, submission
from sms.models import Delivery, Message
from sms.releasing import release_due
from sms.submission import Recipient, Request
from tests.people import MOBILE, NOW, numbers, person


def request(user: User, to=(MOBILE,), text="See you at 9", key="k1", **more) -> Request:
    return Request(user=user, text=text, to=[Recipient(each) for each in to], occasion="form", request_key=key, **more)


def assert_books_are_right(now=NOW):
    assert [*credit_books.check(), *books.check(now=now)] == []


def submit_same(user_id: int) -> str:
    user = User.objects.get(pk=user_id)
    return str(submission.submit(request(user), now=NOW).message.pk)


def submit_own(user_id: int, tries: int) -> int:
    user = User.objects.get(pk=user_id)
    paid = 0
    for turn in range(tries):
        try:
            submission.submit(request(user, key=f"{os.getpid()}:{turn}"), now=NOW)
            paid += 1
        except submission.NotEnough:
            pass
    return paid


@pytest.mark.row("S3")
def test_a_number_as_people_write_it_is_stored_as_e164(database):
    user = person()
    message = submission.submit(request(user, to=["0475 12 34 56", "32 476 123456"]), now=NOW).message
    assert list(message.deliveries.values_list("number", flat=True)) == ["+32475123456", "+32476123456"]
    assert_books_are_right()


@pytest.mark.row("N15")
def test_one_number_typed_twice_gets_one_sms(database):
    user = person()
    message = submission.submit(request(user, to=[MOBILE, "0475/12.34.56", "+32476123456"]), now=NOW).message
    assert (message.recipients, message.deliveries.count()) == (2, 2)
    assert standing(user, now=NOW).available == 28


@pytest.mark.row("S12")
def test_one_message_may_be_paid_from_both_pockets(database):
    user = person(parts=3, balance=50_000)
    message = submission.submit(request(user, to=numbers(5)), now=NOW).message
    assert (message.from_allowance, message.from_balance, message.price) == (3, 1_900, 950)
    assert_books_are_right()


@pytest.mark.row("S12")
def test_too_little_for_all_sends_nothing_and_says_how_many_can_be_paid(database):
    user = person(parts=3, balance=950)
    with pytest.raises(submission.NotEnough) as refused:
        submission.submit(request(user, to=numbers(6)), now=NOW)
    assert (refused.value.missing_parts, refused.value.missing_amount, refused.value.payable) == (2, 1_900, 4)
    assert not Message.objects.exists()
    assert not Delivery.objects.exists()
    assert standing(user, now=NOW).available == 3


@pytest.mark.row("S12")
def test_two_at_once_spend_the_last_part_once(database):
    user = person(parts=1, balance=0)
    assert sum(database.processes(2, submit_own, user.pk, 1)) == 1
    assert Delivery.objects.count() == 1
    assert_books_are_right()


@pytest.mark.row("S12")
def test_eight_processes_accept_exactly_what_is_paid(database):
    user = person(parts=10, balance=5 * 950)
    assert sum(database.processes(8, submit_own, user.pk, 4)) == 15
    assert Delivery.objects.count() == 15
    assert_books_are_right()


@pytest.mark.row("S16")
def test_one_form_submitted_by_eight_processes_is_one_message(database):
    user = person()
    assert len(set(database.processes(8, submit_same, user.pk))) == 1
    assert (Message.objects.count(), Delivery.objects.count(), Entry.objects.filter(kind="charge").count()) == (1, 1, 1)
    assert_books_are_right()


def submit_agreed(user_id: int) -> str:
    user = User.objects.get(pk=user_id)
    return str(submission.submit(request(user, to=numbers(3), agreed=(1, 1_900)), now=NOW).message.pk)


def test_one_form_at_once_is_answered_as_sent_though_the_credit_has_changed_by_it(database):
    user = person(parts=1, balance=1_900)
    assert len(set(database.processes(8, submit_agreed, user.pk))) == 1
    assert Message.objects.count() == 1
    assert_books_are_right()


def test_the_same_key_answers_with_the_first_result_and_refuses_another_text(database):
    user = person()
    first = submission.submit(request(user), now=NOW)
    again = submission.submit(request(user), now=NOW + timedelta(hours=1))
    assert (first.repeated, again.repeated, again.message.pk) == (False, True, first.message.pk)
    with pytest.raises(submission.KeyReused):
        submission.submit(request(user, text="other"), now=NOW)
    assert Message.objects.count() == 1


def test_the_same_key_of_another_user_is_another_message(database):
    submission.submit(request(person("anna")), now=NOW)
    submission.submit(request(person("ben")), now=NOW)
    assert Message.objects.count() == 2


@pytest.mark.row("N1")
def test_what_was_shown_is_what_is_charged_or_it_asks_again(database):
    user = person(parts=3, balance=50_000)
    with pytest.raises(submission.PriceChanged) as changed:
        submission.submit(request(user, to=numbers(4), agreed=(4, 0)), now=NOW)
    assert (changed.value.from_allowance, changed.value.from_balance) == (3, 950)
    assert not Message.objects.exists()
    submission.submit(request(user, to=numbers(4), agreed=(3, 950)), now=NOW)


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"text": "  \n"}, submission.BadText),
        ({"text": "x" * 1531}, submission.BadText),
        ({"to": []}, submission.NoRecipients),
        ({"to": ["+32475123456O"]}, submission.BadRecipients),
        ({"release_at": NOW - timedelta(seconds=1)}, submission.BadMoment),
        ({"release_at": NOW + timedelta(days=400)}, submission.BadMoment),
    ],
)
def test_bad_input_is_refused_and_nothing_is_taken(database, change, refusal):
    user = person()
    with pytest.raises(refusal):
        submission.submit(request(user, **change), now=NOW)
    assert not Message.objects.exists()
    assert not Delivery.objects.exists()
    assert standing(user, now=NOW).available == 30


def test_a_suspended_user_may_not_send(database):
    user = person(is_active=False)
    with pytest.raises(submission.MayNotSend):
        submission.submit(request(user), now=NOW)


def test_the_statements_are_the_same_few_for_one_number_and_for_ten_thousand(database):
    user = person(parts=1, balance=20_000 * 950)
    counts = {}
    for many in (2, 10_000):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            submission.submit(request(user, to=numbers(many), key=f"k{many}"), now=NOW)
        counts[many] = [q["sql"] for q in queries if not q["sql"].startswith(("BEGIN", "COMMIT"))]
    assert len(counts[2]) <= (8 if database.vendor == "postgresql" else 12), counts[2]
    same = len(counts[2]) - (database.vendor == "sqlite")  # the first used up the allowance, a table of its own there
    assert len(counts[10_000]) == same
    assert Delivery.objects.count() == 10_002
    assert_books_are_right()


def test_a_batch_of_due_items_gives_each_its_own_answer(database):
    rich, poor = person("anna", parts=2), person("ben", parts=0, balance=0)
    first = request(rich, key="a")
    results = submission.submit_many(
        [
            first,
            request(poor, key="b"),
            request(rich, key="c", text=""),
            request(rich, key="a"),
            request(rich, key="d"),
        ],
        now=NOW,
    )
    kinds = [type(each).__name__ for each in results]
    assert kinds == ["Submitted", "NotEnough", "BadText", "Submitted", "Submitted"]
    assert results[3].repeated
    assert results[3].message.pk == results[0].message.pk
    assert Delivery.objects.count() == 2
    assert_books_are_right()


def test_a_batch_costs_the_same_statements_whatever_its_size(database):
    people = [person(f"user{index}") for index in range(30)]
    counts = []
    for size in (3, 30):
        batch = [request(user, key=f"batch{size}") for user in people[:size]]
        with CaptureQueriesContext(connection) as queries:
            submission.submit_many(batch, now=NOW)
        counts.append(len(queries))
    assert counts[0] == counts[1]
    assert_books_are_right()


def test_a_planned_sms_is_an_intention_and_paid_when_its_moment_has_come(database):
    user = person(parts=5, balance=0)
    at = NOW + timedelta(hours=3)
    message = submission.submit(request(user, to=numbers(2), release_at=at), now=NOW).message
    assert message.state == "planned"
    assert not Delivery.objects.exists()
    assert standing(user, now=NOW).available == 5
    assert release_due(now=at - timedelta(seconds=1)) == []
    [released] = release_due(now=at)
    assert (released.message.pk, released.why_not) == (message.pk, None)
    assert Delivery.objects.filter(message=message, state="queued").count() == 2
    assert standing(user, now=at).available == 3
    assert release_due(now=at) == []
    assert_books_are_right(now=at)


def test_a_planned_sms_that_cannot_be_paid_is_not_sent(database):
    user = person(parts=1, balance=0)
    at = NOW + timedelta(hours=3)
    message = submission.submit(request(user, to=numbers(2), release_at=at), now=NOW).message
    [released] = release_due(now=at)
    assert isinstance(released.why_not, submission.NotEnough)
    message.refresh_from_db()
    assert (message.state, message.why_not) == ("not_accepted", "no_credit")
    assert not Delivery.objects.exists()
    assert_books_are_right(now=at)


@pytest.mark.row("N13")
@pytest.mark.row("N4")
def test_a_cancel_in_time_costs_nothing(database):
    user = person(parts=2, balance=50_000)
    message = submission.submit(request(user, to=numbers(5), not_before=NOW + submission.FORM_DELAY), now=NOW).message
    assert submission.cancel(message, now=NOW + timedelta(seconds=9)) == 5
    assert submission.cancel(message, now=NOW + timedelta(seconds=9)) == 0
    has = standing(user, now=NOW)
    assert (has.available, has.balance) == (2, 50_000)
    assert set(message.deliveries.values_list("state", flat=True)) == {"cancelled"}
    assert_books_are_right()


def cancel_all(message_id: str) -> int:
    return submission.cancel(Message.objects.get(pk=message_id), now=NOW)


def test_a_cancel_waits_for_who_releases_and_then_takes_back_what_was_paid(database):
    if database.vendor == "sqlite":
        return  # one writer at a time: nobody comes between
    user = person(parts=5, balance=0)
    at = NOW + timedelta(hours=3)
    message = submission.submit(request(user, to=numbers(2), release_at=at), now=NOW).message
    cancels = database.start(cancel_all, str(message.pk))
    cancels.wait_until_ready()
    with transaction.atomic():
        release_due(now=at)
        cancels.go()
        while not waiting_for_a_lock():
            assert cancels.is_at_work(), cancels.result()
    assert cancels.result() == 2
    assert set(message.deliveries.values_list("state", flat=True)) == {"cancelled"}
    assert standing(user, now=at).available == 5
    assert_books_are_right(now=at)


def waiting_for_a_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid)"
            " WHERE NOT granted AND datname = current_database()"
        )
        return cursor.fetchone()[0] > 0


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE sms_delivery SET state = 'sent', sent_at = state_at",
        "UPDATE sms_delivery SET state = 'unknown'",
        "UPDATE sms_delivery SET state = 'refused'",
        "UPDATE sms_delivery SET state = 'nonsense'",
        "UPDATE sms_delivery SET number = '+32470000099'",
        "UPDATE sms_delivery SET number = 'x'",
        "UPDATE sms_delivery SET position = position + 1",
        "UPDATE sms_delivery SET attempt = 6",
        "UPDATE sms_message SET text = 'other'",
        "UPDATE sms_message SET recipients = 1",
        "UPDATE sms_message SET state = 'cancelled'",
        "UPDATE sms_message SET charge_id = NULL",
        "UPDATE sms_message SET from_allowance = 1000",
        "INSERT INTO sms_delivery (message_id, position, number, name, state, state_at, gateway, lane, turn_at,"
        " not_before, valid_until, attempt, reference, reason, receipt)"
        " SELECT message_id, position, number, name, state, state_at, gateway, lane, turn_at,"
        " not_before, valid_until, attempt, reference, reason, receipt"
        " FROM sms_delivery",
    ],
)
def test_the_database_refuses_what_the_states_do_not_allow(database, sql):
    submission.submit(request(person(), to=numbers(2)), now=NOW)
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)
