"""The limits: counted with the charge, never passed by one, on both databases (FAULTS F1, F2; N18)."""

import os
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from unittest.mock import patch

import pytest
from django.db import IntegrityError, transaction

from contacts import clock
from contacts.models import Notice, User
from contacts.number_reasons import Reason
from credit import books as credit_books
from credit import limit_sql, limits
from credit.limit_models import BlockedNumber, KnownCountry, Limit, LimitCount, NumberCount, RefusedRange
from sms import books, holding, releasing, submission
from sms.models import Delivery, Message
from sms.submission import Recipient, Request
from tests.people import MOBILE, NOW, numbers, person
from tests.program import Program

DUTCH, JAPANESE = "+31612345678", "+819012345678"
RICH = 5_000 * 950


@pytest.fixture(autouse=True)
def no_limits_but_those_of_the_test(database):
    assert set(Limit.objects.values_list("kind", flat=True)) == {*Limit.Kind.values} - {"prefix"}, "those to begin with"
    Limit.objects.all().delete()


def limit(kind: str, most: int | None, *, window: str = "day", **more) -> Limit:
    """Set a limit that has stood for long, so that the audit holds its counters against what was accepted."""
    made = Limit.objects.create(kind=kind, window=window, most=most, **more)
    Limit.objects.update(changed_at=NOW - timedelta(days=400))
    return made


def wanted(user: User, *to: str, key: str = "k1", **more) -> Request:
    recipients = [Recipient(each) for each in to or (MOBILE,)]
    return Request(user=user, text="See you at 9", to=recipients, occasion="form", request_key=key, **more)


def send(user: User, *to: str, now: datetime = NOW, **more) -> Message:
    return submission.submit(wanted(user, *to, **more), now=now).message


def refused_by(user: User, *to: str, now: datetime = NOW, **more) -> limits.Reached:
    with pytest.raises(submission.OverLimit) as refused:
        send(user, *to, now=now, **more)
    return refused.value.reached


def used() -> dict[str, int]:
    counts = LimitCount.objects.select_related("limit")
    numbers = NumberCount.objects.select_related("limit")
    return {f"{each.limit.kind}:{each.of}": each.used for each in counts} | {
        f"{each.limit.kind}:+{each.number}": each.used for each in numbers
    }


def assert_books_are_right() -> None:
    assert [*credit_books.check(), *books.check(now=NOW)] == []


@pytest.mark.row("N18")
@pytest.mark.parametrize(
    ("kind", "more"),
    [("user", {}), ("office", {}), ("new_user", {}), ("prefix", {"of": "+3247"}), ("country", {"of": "BE"})],
)
def test_what_fits_is_sent_and_one_more_is_refused_and_costs_nothing(database, kind, more):
    user = person(balance=RICH)
    User.objects.update(date_joined=NOW)
    user.refresh_from_db()
    limit(kind, 5, **more)
    send(user, *numbers(5), key="a")
    reached = refused_by(user, key="b")
    assert (reached.name, reached.most, reached.left) == (f"{kind}_day", 5, 0)
    assert reached.frees_at == datetime(2026, 11, 23, 23, tzinfo=UTC), "midnight in Brussels"
    assert (Message.objects.count(), Delivery.objects.count()) == (1, 5)
    assert next(iter(used().values())) == 5
    assert_books_are_right()
    send(user, key="b", now=NOW + timedelta(days=1))


@pytest.mark.row("N18")
def test_a_list_that_does_not_fit_as_a_whole_is_refused_whole_and_told_how_many_still_fit(database):
    user = person(balance=RICH)
    limit("user", 10)
    send(user, *numbers(7), key="a")
    assert refused_by(user, *numbers(4), key="b").left == 3
    assert used() == {f"user:{user.pk}": 7}
    send(user, *numbers(3), key="c")


def test_parts_are_counted_but_for_a_number_which_counts_messages(database):
    user = person(balance=RICH)
    limit("user", 100)
    limit("number", 2)
    long = Request(user=user, text="a" * 400, to=[Recipient(MOBILE)], occasion="form", request_key="a")
    submission.submit(long, now=NOW)
    assert used() == {f"user:{user.pk}": 3, f"number:{MOBILE}": 1}
    send(user, key="b")
    reached = refused_by(person("ben", balance=RICH), key="c")
    assert (reached.name, reached.of) == ("number_day", MOBILE), "over all users"


def test_an_hour_is_the_clock_hour(database):
    user = person(balance=RICH)
    limit("user", 1, window="hour")
    send(user, key="a", now=NOW + timedelta(minutes=59))
    assert refused_by(user, key="b", now=NOW + timedelta(minutes=59)).frees_at == NOW + timedelta(hours=1)
    send(user, key="b", now=NOW + timedelta(hours=1))


@pytest.mark.parametrize(
    ("moment", "begins", "hours"),
    [
        ("2026-10-25T12:00:00Z", "2026-10-24T22:00:00Z", 25),
        ("2027-03-28T12:00:00Z", "2027-03-27T23:00:00Z", 23),
        ("2026-11-23T23:30:00Z", "2026-11-23T23:00:00Z", 24),
    ],
)
def test_a_day_is_the_offices_also_when_the_clocks_change(moment, begins, hours):
    starts_at, ends_at = limits.window("day", datetime.fromisoformat(moment))
    assert starts_at == datetime.fromisoformat(begins)
    assert ends_at - starts_at == timedelta(hours=hours)


def test_the_limit_of_one_user_takes_the_place_of_the_one_for_all(database):
    anna, ben = person("anna", balance=RICH), person("ben", balance=RICH)
    limit("user", 1)
    limit("user", 3, user=anna)
    send(anna, *numbers(3), key="a")
    assert refused_by(anna, key="b").most == 3
    assert refused_by(ben, *numbers(2), key="a").most == 1
    Limit.objects.filter(user=anna).update(most=None)
    send(anna, *numbers(50), key="c")


def test_an_old_account_is_not_held_to_the_limit_of_new_ones(database):
    user = person(balance=RICH)
    limit("new_user", 1)
    User.objects.update(date_joined=NOW - timedelta(days=7))
    user.refresh_from_db()
    send(user, *numbers(2))
    assert used() == {}


@pytest.mark.row("N18")
def test_each_country_but_the_senders_own_has_its_limit(database):
    user = person(balance=RICH)
    limit("country", 2)
    send(user, *numbers(10), DUTCH, JAPANESE, key="a")
    assert used() == {"country:NL": 1, "country:JP": 1}
    assert refused_by(user, DUTCH, "+31612345679", key="b").of == "NL"
    limit("country", 11, of="BE")
    send(user, *numbers(11), key="c")
    assert refused_by(user, key="d").of == "BE"


@pytest.mark.row("N18")
def test_the_first_sms_to_a_country_is_confirmed_once(database):
    user = person(balance=RICH)
    for release_at in (None, NOW + timedelta(hours=1)):
        with pytest.raises(submission.NewCountry) as new:
            send(user, MOBILE, DUTCH, JAPANESE, confirmed=frozenset({"NL"}), release_at=release_at)
        assert new.value.countries == ["JP"]
    assert not Message.objects.exists()
    assert not KnownCountry.objects.exists(), "what was refused confirms nothing"
    send(user, DUTCH, confirmed=frozenset({"NL", "FR"}))
    assert list(KnownCountry.objects.values_list("country", flat=True)) == ["NL"]
    send(user, DUTCH, key="k2", confirmed=frozenset())
    with pytest.raises(submission.NewCountry):
        send(person("ben", balance=RICH), DUTCH, confirmed=frozenset())


@pytest.mark.row("N18")
def test_where_nobody_can_be_asked_few_sms_go_to_a_country_that_is_not_confirmed(database):
    user = person(balance=RICH)
    limit("new_country", 2)
    send(user, DUTCH, JAPANESE, MOBILE, key="a")
    assert not KnownCountry.objects.exists(), "a program confirms nothing"
    assert refused_by(user, DUTCH, key="b").name == "new_country_day"
    limits.confirm(user, ["NL"], now=NOW)
    send(user, DUTCH, "+31612345679", key="c")


@pytest.mark.row("N18")
@pytest.mark.parametrize("by_user", [True, False])
def test_a_number_that_asked_not_to_be_texted_is_refused_with_its_reason(database, by_user):
    anna, ben = person("anna"), person("ben")
    BlockedNumber.objects.create(number=DUTCH, user=anna if by_user else None, created_at=NOW)
    with pytest.raises(submission.BadRecipients) as refused:
        send(anna, MOBILE, "+31 6 12345678")
    assert [(each.typed, each.reason) for each in refused.value.readings] == [("+31 6 12345678", Reason.ASKED_NOT)]
    assert not Message.objects.exists()
    if by_user:
        send(ben, DUTCH)
    BlockedNumber.objects.update(active=False)
    send(anna, DUTCH)


@pytest.mark.row("N18")
def test_a_refused_range_gets_nothing(database):
    user = person()
    RefusedRange.objects.create(prefix="+3161")
    with pytest.raises(submission.BadRecipients) as refused:
        send(user, DUTCH)
    assert refused.value.readings[0].reason is Reason.REFUSED_RANGE
    RefusedRange.objects.update(active=False)
    send(user, DUTCH)


@pytest.mark.row("N18")
def test_a_planned_sms_meets_the_limit_when_its_moment_has_come(database):
    user = person(balance=RICH)
    limit("user", 3)
    at = NOW + timedelta(hours=1)
    first, second = (send(user, *numbers(2), key=key, release_at=at) for key in "ab")
    assert used() == {}, "planning is free"
    found = {each.message.pk: each.reason for each in releasing.release_due(now=at)}
    assert sorted(found.values()) == ["", "over_limit"]
    assert used() == {f"user:{user.pk}": 2}
    assert {first.pk, second.pk} == set(found)
    assert Message.objects.get(state="not_accepted").why_not == "over_limit"
    assert_books_are_right()


def test_who_asked_meanwhile_not_to_be_texted_is_left_out_of_a_planned_sms(database):
    user = person(balance=RICH)
    at = NOW + timedelta(hours=1)
    send(user, MOBILE, DUTCH, key="a", release_at=at)
    send(user, DUTCH, key="b", release_at=at)
    BlockedNumber.objects.create(number=DUTCH, created_at=NOW)
    found = {each.message.request_key: each for each in releasing.release_due(now=at)}
    assert (found["a"].reason, found["a"].left_out, found["b"].reason) == ("", 1, "asked_not")
    assert list(Delivery.objects.values_list("number", flat=True)) == [MOBILE]
    assert accepted_parts() == [1]
    assert_books_are_right()


def accepted_parts() -> list[int]:
    return [message.parts for message in Message.objects.filter(state="accepted")]


def test_what_cannot_be_paid_is_not_counted_and_what_is_paid_back_stays_counted(database):
    user = person(parts=3, balance=0)
    limit("user", 4)
    with pytest.raises(submission.NotEnough):
        send(user, *numbers(4), key="a")
    assert used() == {f"user:{user.pk}": 0}
    message = send(user, *numbers(3), key="b")
    submission.cancel(message, now=NOW)
    assert used() == {f"user:{user.pk}": 3}
    assert refused_by(user, *numbers(2), key="c").left == 1


def test_in_a_batch_each_has_its_own_answer(database):
    user = person(balance=RICH)
    limit("user", 3)
    batch = [wanted(user, *numbers(count), key=f"{count}") for count in (2, 5, 1)]
    results = submission.submit_many(batch, now=NOW)
    assert [isinstance(result, submission.OverLimit) for result in results] == [False, True, False]
    assert used() == {f"user:{user.pk}": 3}
    assert_books_are_right()


def test_in_a_batch_blocks_and_known_countries_are_each_users_own(database):
    anna, ben = person("anna"), person("ben")
    BlockedNumber.objects.create(number=DUTCH, user=anna, created_at=NOW)
    limits.confirm(anna, ["JP"], now=NOW)
    blocked = submission.submit_many([wanted(anna, DUTCH, key="a"), wanted(ben, DUTCH, key="b")], now=NOW)
    assert [isinstance(result, submission.BadRecipients) for result in blocked] == [True, False]
    asked = [wanted(user, JAPANESE, key="c", confirmed=frozenset()) for user in (anna, ben)]
    results = submission.submit_many(asked, now=NOW)
    assert [isinstance(result, submission.NewCountry) for result in results] == [False, True]


def test_in_a_batch_only_what_passes_the_limit_of_a_number_is_refused(database):
    user = person(balance=RICH)
    limit("number", 2)
    batch = [wanted(user, to, key=f"{turn}") for turn, to in enumerate([MOBILE, MOBILE, MOBILE, DUTCH])]
    results = submission.submit_many(batch, now=NOW)
    assert [isinstance(result, submission.OverLimit) for result in results] == [False, False, True, False]
    assert used() == {f"number:{MOBILE}": 2, f"number:{DUTCH}": 1}


@pytest.mark.row("N18")
def test_at_the_limit_of_the_office_all_is_held_and_the_staff_told_once(database):
    user, boss = person(balance=RICH), person("boss", is_staff=True)
    limit("office", 2)
    send(user, *numbers(2), key="a")
    assert not holding.held()
    for key in "bc":
        assert refused_by(user, key=key).kind == "office"
    assert holding.held()
    assert [notice.user for notice in Notice.objects.all()] == [boss]


def test_the_counters_are_forgotten_after_two_days(database):
    user = person(balance=RICH)
    limit("number", 2)
    send(user)
    assert limits.prune(now=NOW + timedelta(days=1)) == 0
    assert limits.prune(now=NOW + timedelta(days=3)) == 1


def send_many(name: str, tries: int) -> int:
    """Try to send `tries` times by the front door, as forms and programs do; return how many SMS were accepted."""
    user = User.objects.get(username=name)
    accepted = 0
    for turn in range(tries):
        with suppress(submission.OverLimit):
            accepted += send(user, MOBILE, DUTCH, key=f"{os.getpid()}:{turn}").recipients
    return accepted


def release_all(_name: str, _tries: int) -> int:
    """Release what is planned, as the workers do; return how many SMS were accepted."""
    found = releasing.release_due(now=NOW + timedelta(minutes=1))
    return sum(each.message.recipients for each in found if not each.reason)


@pytest.mark.row("N18")
@pytest.mark.parametrize(
    ("kind", "most", "more", "fit"),
    [
        ("user", 8, {}, 8), ("office", 8, {}, 8), ("new_user", 8, {}, 8), ("number", 4, {}, 8),
        ("prefix", 4, {"of": "+316"}, 8), ("country", 4, {}, 8), ("new_country", 4, {}, 8),
    ],
)  # fmt: skip
def test_ten_times_each_limit_at_once_by_every_road_passes_it_by_none(database, kind, most, more, fit):
    user = person(balance=RICH)
    User.objects.update(date_joined=NOW)
    limit(kind, most, **more)
    for turn in range(10):
        send(user, MOBILE, DUTCH, key=f"planned {turn}", release_at=NOW + timedelta(seconds=30))
    started = [database.start(send_many, "anna", 10) for _ in range(3)]
    started += [database.start(release_all, "anna", 0), database.start(send_program, "anna", 10)]
    for process in started:
        process.wait_until_ready()
    for process in started:
        process.go()
    assert sum(process.result() for process in started) == fit == Delivery.objects.count()
    assert max(used().values()) == most
    assert_books_are_right()


def send_program(name: str, tries: int) -> int:
    """Try to send by the API, at the same frozen moment."""
    with patch.object(clock, "now", lambda: NOW):
        program = Program.of(User.objects.get(username=name))
        answers = [program.send(MOBILE, DUTCH, key=f"api {turn}") for turn in range(tries)]
    assert {answer.status_code for answer in answers} <= {201, 429}
    return sum(2 for answer in answers if answer.status_code == 201)


def test_lists_to_the_same_numbers_in_another_order_do_not_block_each_other(database):
    for name in ("anna", "ben"):
        person(name, balance=RICH)
    limit("number", 1_000)
    limit("user", 100_000)
    started = [database.start(send_lists, name, way) for name in ("anna", "ben") for way in (1, -1)]
    for process in started:
        process.wait_until_ready()
    for process in started:
        process.go()
    assert [process.result() for process in started] == [5] * 4
    assert_books_are_right()


def test_shared_counters_are_locked_in_one_order_whatever_the_order_of_the_numbers(database, monkeypatch):
    user = person(balance=RICH)
    limit("country", 100)
    add, locked = limit_sql.add, []

    def seen(amounts, *more):
        locked.append([(key.limit_id, key.of) for key in amounts])
        return add(amounts, *more)

    monkeypatch.setattr(limit_sql, "add", seen)
    send(user, DUTCH, JAPANESE, key="a")
    send(user, JAPANESE, DUTCH, key="b")
    assert locked[0] == locked[1]


def send_lists(name: str, way: int) -> int:
    user = User.objects.get(username=name)
    for turn in range(5):
        send(user, *numbers(200)[::way], key=f"{way}:{turn}")
    return 5


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "user", "of": "BE"}, {"kind": "prefix", "of": "BE"}, {"kind": "country", "of": "+32"},
        {"kind": "office", "user": True},
    ],
)  # fmt: skip
def test_the_database_refuses_a_limit_that_means_nothing(database, wrong):
    user = person()
    with pytest.raises(IntegrityError), transaction.atomic():
        Limit.objects.create(window="day", most=1, **wrong | ({"user": user} if "user" in wrong else {}))
