"""A database that is not the one we last worked on: noticed once, held, doubted; nothing is sent twice (promise 9)."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from contacts.models import Notice
from sms import continuity, dispatch, holding, queue_sql, submission, sweeper
from sms.gateways import configured
from sms.models import Continuity, Delivery, Message
from sms.submission import Recipient, Request
from tests.databases import Database
from tests.people import NOW, numbers, person

on_postgresql = pytest.mark.parametrize("database", ["postgresql"], indirect=True)  # SQLite has no standbys


@pytest.fixture(autouse=True)
def office(database: Database, settings: Any, tmp_path: Any) -> Database:
    settings.DATA_DIR = tmp_path
    settings.SMS_GATEWAYS = {"memory": {"BACKEND": "sms.gateways.memory.Memory", "OPTIONS": {}}}
    continuity.note(now=NOW)
    return database


def send(count: int = 2, **more: Any) -> Message:
    user = person(f"user-{Message.objects.count()}")
    to = [Recipient(each) for each in numbers(count, start=100 * Message.objects.count())]
    return submission.submit(Request(user, "See you at 9", to, "form", "k", **more), now=NOW).message


def put_back(mark: int = 0) -> None:
    """Have the row be as a copy of some time ago has it."""
    Continuity.objects.update(mark=mark)


def states() -> list[str]:
    return list(Delivery.objects.order_by("pk").values_list("state", flat=True))


def later(seconds: int = 60) -> Any:
    return NOW + timedelta(seconds=seconds)


def test_the_same_database_goes_on():
    for seconds in (0, 5, 10):
        continuity.note(now=later(seconds))
    assert continuity.check(now=later())
    assert not holding.held()


def test_a_row_behind_this_machines_file_is_a_restored_copy_and_nothing_is_handed_over():
    send(3)
    put_back()
    assert dispatch.drain("memory", clock=later) == 0
    assert configured.gateway("memory").arrivals() == []
    assert holding.held()
    assert states() == ["unknown"] * 3
    assert set(Delivery.objects.values_list("reason", flat=True)) == {"restored"}


def test_it_is_noticed_once_and_what_is_accepted_afterwards_leaves_after_release():
    send(1)
    put_back()
    assert not continuity.check(now=later())
    assert continuity.check(now=later())
    send(2)
    assert dispatch.drain("memory", clock=later) == 0
    holding.release()
    assert dispatch.drain("memory", clock=later) == 2
    assert states() == ["unknown", "sent", "sent"]


def test_what_was_being_handed_over_in_the_copy_is_unknown_too_and_what_had_ended_stays():
    send(3)
    rows = queue_sql.claim("memory", token=7, limit=2, now=later(), lease_until=later(120))
    queue_sql.mark_sending([row.id for row in rows], token=7, now=later(), lease_until=later(120))
    queue_sql.record_sent([(rows[0].id, "theirs")], alias="memory", now=later())
    put_back()
    continuity.check(now=later())
    assert states() == ["sent", "unknown", "unknown"]


def test_ids_that_gateways_may_know_are_not_used_again():
    last = send(1).deliveries.get().pk
    put_back()
    continuity.check(now=later())
    assert send(1).deliveries.get().pk > last + 1_000_000


def test_a_planned_sms_whose_moment_passed_is_not_sent_and_its_owner_is_told():
    passed = send(1, release_at=NOW + timedelta(minutes=10))
    to_come = send(1, release_at=NOW + timedelta(hours=10))
    put_back()
    continuity.check(now=NOW + timedelta(hours=1))
    assert Message.objects.get(pk=passed.pk).state == "not_accepted"
    assert Message.objects.get(pk=to_come.pk).state == "planned"
    assert Notice.objects.filter(user=passed.user).count() == 1
    assert not Notice.objects.filter(user=to_come.user).exists()


def test_a_doubted_sms_is_paid_back_when_nothing_proves_it():
    message = send(2)
    put_back()
    continuity.check(now=later())
    sweeper.give_up_unknown(now=NOW + timedelta(hours=25))
    assert states() == ["unconfirmed"] * 2
    assert message.user.account.allowances.get().available == 30


def test_another_place_is_noticed_without_any_file():
    send(1)
    Continuity.objects.update(identity="another.1.00000001")
    continuity._path().unlink()
    assert not continuity.check(now=later())
    assert states() == ["unknown"]


@on_postgresql
def test_a_synchronous_standby_that_took_over_puts_nothing_in_doubt():
    send(1)
    system = continuity._look().identity.rpartition(".")[0]
    Continuity.objects.update(identity=f"{system}.00000000", synchronous=True)
    assert not continuity.check(now=later())
    assert holding.held()
    assert states() == ["queued"]


@on_postgresql
def test_one_that_copied_behind_puts_all_that_waits_in_doubt():
    send(1)
    system = continuity._look().identity.rpartition(".")[0]
    Continuity.objects.update(identity=f"{system}.00000000", synchronous=False)
    continuity.check(now=later())
    assert states() == ["unknown"]


@on_postgresql
def test_a_recovery_that_this_machine_has_no_mark_of_is_never_taken_for_a_synchronous_standby():
    send(1)
    system = continuity._look().identity.rpartition(".")[0]
    Continuity.objects.update(identity=f"{system}.00000000", synchronous=True)
    continuity._path().unlink()
    continuity.check(now=later())
    assert states() == ["unknown"]


def test_somebody_may_say_so():
    send(2)
    assert continuity.declare_restored(now=later()) == 2
    assert holding.held()
    assert states() == ["unknown"] * 2


def test_a_folder_that_cannot_be_written_stops_nothing(settings, tmp_path):
    settings.DATA_DIR = tmp_path / "file"
    settings.DATA_DIR.write_text("no folder")
    continuity.note(now=later())
    assert continuity.check(now=later())


def test_a_file_is_never_ahead_of_a_row_that_was_not_committed():
    from django.db import transaction

    before = continuity._read_mark()
    with transaction.atomic():
        continuity.note(now=later())
        assert continuity._read_mark() == before
        transaction.set_rollback(True)
    assert continuity._read_mark() == before
    assert connection.is_usable()
