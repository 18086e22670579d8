"""How many calls a minute: exact whatever comes at once, per user, named, without Redis."""

from datetime import timedelta

import pytest

from contacts.models import User
from office.call_limits import LimitReached, count
from office.models import CallCount
from tests.people import MOBILE, NOW, person
from tests.program import Program


def passes(user: User, limit: str = "calls_per_minute", *, now=NOW) -> bool:
    try:
        count(user, limit, now=now)
    except LimitReached:
        return False
    return True


def count_many(user_id: int, times: int, allowed: int) -> int:
    """In a process of its own: how many of so many calls pass."""
    from django.conf import settings

    settings.API_LIMITS = {"calls_per_minute": allowed}
    user = User.objects.get(pk=user_id)
    return sum(passes(user) for _ in range(times))


def test_a_minute_has_its_calls_and_the_next_one_has_them_again(database, settings) -> None:
    settings.API_LIMITS = {"calls_per_minute": 2, "sends_per_minute": 1}
    anna, carla = person("anna"), person("carla")
    assert [passes(anna) for _ in range(4)] == [True, True, False, False]
    assert passes(anna, "sends_per_minute")
    assert passes(carla)
    assert not passes(anna, now=NOW + timedelta(seconds=59))
    assert passes(anna, now=NOW + timedelta(seconds=60))
    assert CallCount.objects.count() == 3


def test_of_many_at_once_exactly_as_many_pass_as_may(database) -> None:
    user = person("anna")
    assert sum(database.processes(4, count_many, user.pk, 25, 30)) == 30


def test_it_says_how_long_to_wait(database, settings) -> None:
    settings.API_LIMITS = {"calls_per_minute": 0}
    with pytest.raises(LimitReached) as refused:
        count(person("anna"), "calls_per_minute", now=NOW + timedelta(seconds=18))
    assert refused.value.wait == 42


@pytest.mark.django_db
def test_beyond_a_limit_the_answer_names_it_and_nothing_is_sent(settings) -> None:
    settings.API_LIMITS = {"calls_per_minute": 100, "sends_per_minute": 1}
    program = Program.of(person("anna"))
    assert program.send(MOBILE).status_code == 201
    answer = program.send(MOBILE, key="k2")
    assert (answer.status_code, answer.json()["code"]) == (429, "throttled")
    assert answer.json()["limit"] == "sends_per_minute"
    assert 0 < int(answer["Retry-After"]) <= 60
    assert program.get("sms/").json()["count"] == 1
    settings.API_LIMITS = {"calls_per_minute": 3, "sends_per_minute": 1}
    assert program.get("credit/").json()["limit"] == "calls_per_minute"
