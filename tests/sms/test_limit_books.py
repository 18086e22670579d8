"""The audit holds each limit's counters against what was accepted, and names no number and no user."""

from datetime import timedelta

import pytest
from django.db.models import F

from credit.limit_models import Limit, LimitCount, NumberCount
from sms import limit_books, submission
from sms.models import Message
from sms.submission import Recipient, Request
from tests.people import MOBILE, NOW, numbers, person

pytestmark = pytest.mark.row("N18")
KINDS = [("office", {}), ("user", {}), ("new_user", {}), ("prefix", {"of": "+3247"}), ("number", {})]


@pytest.fixture(params=KINDS, ids=[kind for kind, _more in KINDS])
def limit(database, request) -> Limit:
    """A limit of each kind that has stood for long, and some SMS that it counted."""
    kind, more = request.param
    Limit.objects.all().delete()
    made = Limit.objects.create(kind=kind, window="day", most=100, **more)
    Limit.objects.update(changed_at=NOW - timedelta(days=30))
    send(person("anna", parts=100, now=NOW), *numbers(3), MOBILE)
    send(person("ben", parts=100, now=NOW), MOBILE)
    return made


def send(user, *to):
    text = "See you at 9 " * 20  # two parts
    submission.submit(Request(user, text, [Recipient(each) for each in to], "form", "k"), now=NOW)


def counts(limit):
    return (NumberCount if limit.kind == "number" else LimitCount).objects.filter(limit=limit)


def off(limit):
    return [f"a limit has counted otherwise than was accepted: limit {limit.pk}"]


def test_what_was_counted_is_what_was_accepted(limit):
    assert counts(limit).exists()
    assert list(limit_books.check()) == []


def test_one_too_many_is_noticed(limit):
    one = counts(limit).first()
    counts(limit).filter(pk=one.pk).update(used=F("used") + 1)
    assert list(limit_books.check()) == off(limit)


def test_one_too_few_is_noticed_where_the_limit_is_not_of_a_user(limit):
    one = counts(limit).first()
    counts(limit).filter(pk=one.pk).update(used=F("used") - 1)
    assert list(limit_books.check()) == ([] if limit.kind in {"user", "new_user"} else off(limit))


def test_what_was_accepted_and_never_counted_is_noticed(limit):
    if limit.kind in {"user", "new_user"}:
        one = counts(limit).first()
        counts(limit).filter(pk=one.pk).update(of="0")  # counted for somebody who sent nothing
    else:
        Message.objects.update(accepted_at=NOW - timedelta(days=1))
    assert list(limit_books.check()) == off(limit)


def test_a_limit_that_was_passed_is_named(limit):
    Limit.objects.filter(pk=limit.pk).update(most=1)
    assert list(limit_books.check()) == [f"a limit was passed: limit {limit.pk}"]


def test_what_was_counted_before_the_limit_changed_is_not_held_against_it(limit):
    limit.most = 1
    limit.save()
    assert limit.changed_at > NOW
    assert list(limit_books.check()) == []


def test_a_limit_that_was_lifted_is_not_looked_at(limit):
    counts(limit).update(used=99)
    Limit.objects.filter(pk=limit.pk).update(most=None)
    assert list(limit_books.check()) == []
