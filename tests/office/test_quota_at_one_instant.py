"""The figures of the quota are of one instant, whoever sends and cancels meanwhile (S14)."""

from threading import Thread

import pytest
from django.db import connection

from credit.allowance import standing
from office import quota
from sms import submission
from sms.submission import Recipient, Request
from tests.people import NOW, numbers, person


@pytest.mark.row("S14")
def test_what_is_sent_between_two_statements_is_in_none_of_the_figures(database, monkeypatch):
    if database.vendor == "sqlite":
        return  # its one writer waits until the figures are read
    user = person(parts=10)

    def interrupted(*arguments, **more):
        found = standing(*arguments, **more)
        thread = Thread(target=send_elsewhere, args=[user])
        thread.start()
        thread.join()
        return found

    monkeypatch.setattr(quota, "standing", interrupted)
    found = quota.quota_of(user, now=NOW)
    assert found.has.granted == found.has.available + found.used.from_allowance + found.has.lapsed
    assert (found.has.available, standing(user, now=NOW).available) == (10, 7)


def send_elsewhere(user):
    to = [Recipient(number) for number in numbers(3)]
    submission.submit(Request(user, "See you", to, "form", "k"), now=NOW)
    connection.close()
