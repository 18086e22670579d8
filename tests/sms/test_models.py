"""The database refuses, by name, what no message or delivery may ever be; past every line of Python."""

import pytest
from django.db import IntegrityError, connection, transaction

from sms import submission
from sms.models import Continuity, Delivery, Draft, Message
from sms.submission import Recipient, Request
from tests.people import NOW, numbers, person

LATER = "2026-11-24 10:00:00+00:00"

# name of the constraint (or the columns that SQLite names instead): the statement that it stops
UPDATES = {
    "accepted_means_charged": "UPDATE sms_message SET accepted_at = NULL WHERE state = 'accepted'",
    "allowance_share_within_cost": "UPDATE sms_message SET from_allowance = 999 WHERE state = 'planned'",
    "message_has_parts": "UPDATE sms_message SET parts_each = 11 WHERE state = 'planned'",
    "planned_has_a_moment": "UPDATE sms_message SET release_at = NULL WHERE state = 'planned'",
    "one_message_per_user_and_request": "UPDATE sms_message SET request_key = 'the same'",
    "refunded_exactly_in_the_refunded_ends": "UPDATE sms_delivery SET refund_id = (SELECT MAX(id) FROM credit_entry)",
    "sent_has_its_moment": f"UPDATE sms_delivery SET sent_at = '{LATER}'",
    "at_most_five_attempts": "UPDATE sms_delivery SET attempt = 6",
}
COPIES = {
    "one_delivery_per_position": {},
    "delivery_number_is_e164": {"position": 9, "number": "0470000000"},
    "delivery_state_is_known": {"position": 9, "state": "lost"},
}
AS_SQLITE_SAYS = {
    "one_message_per_user_and_request": "sms_message.user_id, sms_message.request_key",
    "one_delivery_per_position": "sms_delivery.message_id, sms_delivery.position",
}


@pytest.fixture
def accepted(database):
    """A message to two numbers that waits, and a planned one."""
    user = person()
    to = [Recipient(number) for number in numbers(2)]
    wanted = {"user": user, "text": "See you at 9", "to": to, "occasion": "form"}
    submission.submit(Request(**wanted, request_key="now"), now=NOW)
    later = NOW + submission.VALIDITY
    submission.submit(Request(**wanted, request_key="later", release_at=later), now=NOW)
    return Message.objects.get(state="accepted")


def said(name: str) -> str:
    return AS_SQLITE_SAYS.get(name, name) if connection.vendor == "sqlite" else name


@pytest.mark.parametrize("name", UPDATES)
def test_the_database_refuses_this_change(accepted, name):
    with pytest.raises(IntegrityError, match=said(name)), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(UPDATES[name])


@pytest.mark.parametrize("name", COPIES)
def test_the_database_refuses_this_delivery(accepted, name):
    copy = Delivery.objects.get(message=accepted, position=1)
    copy.pk = None
    for field, value in COPIES[name].items():
        setattr(copy, field, value)
    with pytest.raises(IntegrityError, match=said(name)), transaction.atomic():
        copy.save(force_insert=True)


def test_one_charge_pays_one_message(accepted):
    planned = Message.objects.get(state="planned")
    planned.state, planned.accepted_at, planned.charge = "accepted", NOW, accepted.charge
    with pytest.raises(IntegrityError, match="charge_id"), transaction.atomic():
        planned.save()


def test_there_is_one_draft_of_a_user(accepted):
    Draft.objects.create(user=accepted.user, changed_at=NOW)
    with pytest.raises(IntegrityError, match="user_id"), transaction.atomic():
        Draft.objects.create(user=accepted.user, changed_at=NOW)


def test_there_is_one_office_in_one_database(database):
    with pytest.raises(IntegrityError, match="one_office_in_one_database"), transaction.atomic():
        Continuity.objects.create(id=2, identity="another", noted_at=NOW)


def test_every_constraint_of_a_message_and_its_deliveries_is_tried():
    named = {constraint.name for model in (Message, Delivery) for constraint in model._meta.constraints}
    assert named == set(UPDATES) | set(COPIES)
