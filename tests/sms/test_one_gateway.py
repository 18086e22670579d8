"""An SMS whose sender chose its gateway: no refusal, failure, rest or change of the settings brings it to another."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from sms import dispatch, releasing, slots, submission, sweeper
from sms.gateways import configured
from sms.gateways.configured import NoSuchGateway
from sms.models import Delivery, Message
from tests.people import NOW, numbers, person

MEMORY = {"BACKEND": "sms.gateways.memory.Memory", "OPTIONS": {}}


@pytest.fixture(autouse=True)
def gateways(settings):
    settings.SMS_GATEWAYS = {"main": MEMORY, "spare": MEMORY, "third": MEMORY}


def send(gateway: str = "spare", **more):
    to = [submission.Recipient(number) for number in numbers(1)]
    asked = {
        "user": more.get("user") or person(),
        "text": "See you at 9",
        "to": to,
        "occasion": "form",
        "request_key": "k",
    } | more
    return submission.submit(submission.Request(**asked, gateway=gateway), now=NOW).message


def drain(alias: str, now=NOW) -> None:
    dispatch.drain(alias, clock=lambda: now)


def where() -> tuple[str, str]:
    return Delivery.objects.values_list("gateway", "state").get()


def arrived() -> list[str]:
    return [alias for alias in configured.aliases() if configured.gateway(alias).arrivals()]


@pytest.mark.row("S10")
def test_it_goes_by_the_chosen_one(database):
    send()
    drain("main")
    drain("spare")
    assert where() == ("spare", "sent")
    assert arrived() == ["spare"]


@pytest.mark.parametrize(
    ("behaviour", "state"), [("refuse_elsewhere", "refused"), ("refuse_connection", "queued"), ("throttle", "queued")]
)
@pytest.mark.parametrize("chosen", ["spare", ""])
def test_no_other_gets_it_after_a_failure(database, behaviour, state, chosen):
    configured.gateway(chosen or "main").play([behaviour])
    send(chosen)
    drain(chosen or "main")
    # the control: what nobody chose a gateway for goes on to the next of its route, which is `spare`
    assert where() == ("spare", state if chosen else "queued")
    drain("third", NOW + timedelta(minutes=1))
    assert arrived() == []


def test_no_other_gets_it_while_its_own_rests(database):
    send()
    send("", user=person("ben"))
    Delivery.objects.filter(gateway="main").update(gateway="spare")
    slots.take("spare", owner=1, now=NOW)
    slots.note_failures("spare", count=5, why="away", retry_after=None, now=NOW)
    assert sweeper.fail_over(now=NOW) == 1
    assert sorted(Delivery.objects.values_list("message__gateway", "gateway")) == [("", "third"), ("spare", "spare")]


def test_no_other_gets_it_when_its_own_leaves_the_settings(database, settings):
    send()
    send("", user=person("ben"))
    Delivery.objects.filter(gateway="main").update(gateway="spare")
    settings.SMS_GATEWAYS = {"main": MEMORY, "third": MEMORY}
    sweeper.sweep(now=NOW)
    assert sorted(Delivery.objects.values_list("message__gateway", "gateway")) == [("", "main"), ("spare", "spare")]
    sweeper.sweep(now=NOW + timedelta(hours=25))
    assert set(Delivery.objects.values_list("state", flat=True)) == {"expired"}


def test_planned_it_keeps_its_gateway(database):
    send(release_at=NOW + timedelta(hours=1))
    releasing.release_due(now=NOW + timedelta(hours=1))
    assert where() == ("spare", "queued")


def test_one_that_does_not_exist_is_no_choice(database):
    with pytest.raises(NoSuchGateway):
        send("nowhere")
    assert not Message.objects.exists()


def test_the_same_key_with_another_gateway_is_another_request(database):
    user = person()
    send(user=user)
    with pytest.raises(submission.KeyReused):
        send("third", user=user)
    assert where() == ("spare", "queued")


def test_what_was_accepted_keeps_its_gateway_in_the_database(database):
    message = send()
    with pytest.raises(IntegrityError), transaction.atomic():
        Message.objects.filter(pk=message.pk).update(gateway="")
