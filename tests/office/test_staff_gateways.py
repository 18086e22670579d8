"""The page of the gateways: what waits, what left, what is wrong; hold, release and a test SMS (issue 3)."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from contacts.models import StaffAct, User
from credit.allowance import standing
from office.staff_gateways import healths
from sms import dispatch, holding, slots, submission
from sms.gateways import configured
from sms.models import Delivery, Message, Slot
from tests.people import numbers, person

pytestmark = pytest.mark.django_db(transaction=True)
MEMORY = {"BACKEND": "sms.gateways.memory.Memory", "OPTIONS": {}}


@pytest.fixture
def memory(settings):
    settings.SMS_GATEWAYS = {"memory": MEMORY, "spare": MEMORY}
    return configured.gateway("memory")


@pytest.fixture
def support(memory) -> User:
    return person("support", is_staff=True, is_superuser=True, now=timezone.now())


@pytest.fixture
def client(support: User) -> Client:
    client = Client()
    client.force_login(support)
    return client


def send(user: User, count: int = 1) -> Message:
    to = [submission.Recipient(number) for number in numbers(count)]
    request = submission.Request(user=user, text="See you at 9", to=to, occasion="form", request_key=f"k{count}")
    return submission.submit(request, now=timezone.now()).message


def page(client: Client) -> str:
    return client.get("/admin/gateways/").content.decode()


class TestFigures:
    def test_what_waits_and_for_how_long(self, support):
        send(support, 3)
        first, second = healths(now=timezone.now() + timedelta(minutes=5))
        assert (first.alias, second.alias) == ("memory", "spare")
        assert first.figures["queued"] == 3
        assert timezone.now() - first.figures["oldest_at"] < timedelta(minutes=1)
        assert second.figures == {}

    def test_what_left_and_how_fast(self, support):
        send(support, 3)
        dispatch.drain("memory", clock=timezone.now)
        health = healths(now=timezone.now())[0]
        assert (health.figures["sent"], health.figures["minute"]) == (3, 3)
        assert 0 <= health.latency < 5
        later = healths(now=timezone.now() + timedelta(minutes=2))[0]
        assert (later.figures["sent"], later.figures["minute"]) == (3, 0)
        assert healths(now=timezone.now() + timedelta(hours=2))[0].figures == {}

    def test_the_median_of_what_left(self, support):
        send(support, 3)
        dispatch.drain("memory", clock=timezone.now)
        for row, seconds in zip(Delivery.objects.all(), (1, 2, 30), strict=True):
            Delivery.objects.filter(pk=row.pk).update(handed_at=row.sent_at - timedelta(seconds=seconds))
        assert healths(now=timezone.now())[0].latency == 2

    def test_rest_and_last_error(self, client):
        slots.take("memory", owner=1, now=timezone.now())
        slots.note_failures("memory", count=5, why="connection refused", retry_after=None, now=timezone.now())
        health = healths(now=timezone.now())[0]
        assert health.resting
        assert "connection refused" in page(client)
        assert "Cannot be reached" in page(client)

    def test_a_gateway_that_left_the_settings_is_still_seen(self, support, client, settings):
        send(support)
        settings.SMS_GATEWAYS = {"spare": MEMORY}
        health = healths(now=timezone.now())[1]
        assert (health.alias, health.configured, health.figures["queued"]) == ("memory", False, 1)
        assert "No longer in the settings" in page(client)

    def test_few_statements_whatever_the_number(self, support, client, settings, django_assert_num_queries):
        settings.SMS_GATEWAYS = {f"g{index}": MEMORY for index in range(30)}
        send(support, 20)
        with django_assert_num_queries(5):
            assert len(healths(now=timezone.now())) == 30


class TestHold:
    def post(self, client: Client, alias: str, step: str, why: str = "provider's maintenance"):
        return client.post(f"/admin/gateways/{alias}/{step}/", {"why": why})

    def test_one_gateway(self, client, support):
        assert self.post(client, "memory", "hold").status_code == 302
        assert holding.held("memory")
        assert not holding.held("spare")
        assert "provider&#x27;s maintenance" in page(client)
        act = StaffAct.objects.get()
        assert (act.kind, act.model, act.key, act.by) == ("held", "sms.slot", "memory", support)
        self.post(client, "memory", "release", "done")
        assert not holding.held("memory")
        assert [act.kind for act in StaffAct.objects.all()] == ["released", "held"]

    def test_all_of_them(self, client):
        self.post(client, "all", "hold")
        assert holding.held("spare")
        assert "All gateways are held" in page(client)
        self.post(client, "all", "release")
        assert not holding.held("spare")

    def test_nothing_without_a_reason(self, client):
        assert self.post(client, "memory", "hold", " ").status_code == 200
        assert client.get("/admin/gateways/memory/hold/").status_code == 200
        assert not Slot.objects.exists()

    def test_twice_is_once(self, client):
        self.post(client, "memory", "hold")
        self.post(client, "memory", "hold", "again")
        assert StaffAct.objects.count() == 1
        assert Slot.objects.get(alias="memory").held_why == "provider's maintenance"

    def test_what_is_not_there(self, client):
        assert self.post(client, "nowhere", "hold").status_code == 404
        assert self.post(client, "memory", "explode").status_code == 404

    @pytest.mark.parametrize("rights", [{"is_staff": True}, {}])
    def test_it_is_for_staff_with_the_right_to_it(self, memory, rights):
        other = Client()
        other.force_login(person("ben", **rights))
        assert self.post(other, "all", "hold").status_code in {302, 403}
        assert other.post("/admin/gateways/test/").status_code in {302, 403}
        assert not holding.held("memory")


class TestTestSms:
    def token(self, client: Client) -> str:
        return re.search(r'name="token" value="([^"]+)"', page(client))[1]

    def test_it_goes_to_the_own_number_and_is_paid(self, client, support):
        token = self.token(client)
        for _ in range(2):  # a double click
            answer = client.post("/admin/gateways/test/", {"token": token})
        message = Message.objects.get()
        assert answer["Location"] == f"/admin/sms/message/{message.pk}/change/"
        assert message.deliveries.get().number == support.mobile
        assert standing(support, now=timezone.now()).available == 29
        assert StaffAct.objects.get().kind == "tested"
        dispatch.drain("memory", clock=timezone.now)
        assert message.deliveries.get().state == "sent"

    def test_without_credit_nothing_is_sent(self, client, support):
        poor = person("poor", is_staff=True, is_superuser=True, parts=0, balance=0, now=timezone.now())
        client.force_login(poor)
        answer = client.post("/admin/gateways/test/", {"token": self.token(client)}, follow=True)
        assert "does not pay" in answer.content.decode()
        assert not Message.objects.exists()

    def test_without_an_own_number(self, client, support):
        User.objects.filter(pk=support.pk).update(mobile="")
        assert "own mobile number" in page(client)
        answer = client.post("/admin/gateways/test/", {"token": "5b0ee3f0-7b4e-4a3b-9d3c-3f2e8f1d6a11"})
        assert answer["Location"] == "/admin/gateways/"
        assert not Message.objects.exists()
