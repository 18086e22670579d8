"""The page of the gateways: what waits, what left, what is wrong; hold, release and a test SMS (issue 3)."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from contacts.models import StaffAct, User
from credit.allowance import standing
from office.gateway_figures import healths, percentile
from sms import dispatch, holding, slots, submission, sweeper
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

    def test_how_long_the_gateway_took(self, support, client):
        send(support, 3)
        dispatch.drain("memory", clock=timezone.now)
        for row, seconds in zip(Delivery.objects.all(), (1, 2, 30), strict=True):
            Delivery.objects.filter(pk=row.pk).update(handed_at=row.sent_at - timedelta(seconds=seconds))
        health = healths(now=timezone.now())[0]
        assert (health.latency, health.latency_95) == (2, 30)
        assert "30.00 s" in page(client)

    @pytest.mark.parametrize(
        ("values", "half", "nearly_all"), [([], None, None), ([1], 1, 1), ([*range(1, 101)], 50, 95), ([1, 9], 1, 9)]
    )
    def test_percentiles(self, values, half, nearly_all):
        assert (percentile(values, 50), percentile(values, 95)) == (half, nearly_all)

    def test_why_not_by_how_often(self, support, client, memory):
        memory.play(["refuse", "refuse", "reset_after"])
        send(support, 3)
        dispatch.drain("memory", clock=timezone.now)
        reasons = [(reason.code, reason.count) for reason in healths(now=timezone.now())[0].reasons]
        assert reasons == [("not_possible", 2), ("reset", 1)]
        assert "2 times, last at" in page(client)
        assert healths(now=timezone.now() + timedelta(hours=2))[0].reasons == []

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
        with django_assert_num_queries(6):
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
    NUMBER = "0470 12 39 87"

    def form(self, client: Client, **typed: str) -> dict[str, str]:
        token = re.search(r'name="token" value="([^"]+)"', page(client))[1]
        return {"token": token, "number": self.NUMBER, "gateway": "spare"} | typed

    def post(self, client: Client, form: dict[str, str]):
        return client.post("/admin/gateways/test/", form)

    def test_it_goes_by_the_chosen_gateway_and_is_paid_by_who_sends_it(self, client, support):
        form = self.form(client)
        for _ in range(2):  # a double click
            answer = self.post(client, form)
        message = Message.objects.get()
        assert answer["Location"] == f"/admin/sms/message/{message.pk}/change/"
        assert message.user == support
        assert (message.deliveries.get().number, message.deliveries.get().gateway) == ("+32470123987", "spare")
        assert standing(support, now=timezone.now()).available == 29
        act = StaffAct.objects.get()
        assert (act.kind, act.key, act.by, act.changes) == ("tested", str(message.pk), support, {})
        dispatch.drain("memory", clock=timezone.now)
        assert "Look again" in client.get(answer["Location"]).content.decode()
        dispatch.drain("spare", clock=timezone.now)
        assert message.deliveries.get().state == "sent"
        result = client.get(answer["Location"]).content.decode()
        assert message.deliveries.get().reference in result
        assert "By this gateway only" in result

    def test_what_the_gateway_says_is_final_and_shown(self, client, memory):
        configured.gateway("spare").play(["refuse_elsewhere"])
        answer = self.post(client, self.form(client))
        dispatch.drain("spare", clock=timezone.now)
        delivery = Delivery.objects.get()
        assert (delivery.state, delivery.gateway) == ("refused", "spare")
        assert not memory.arrivals()
        assert delivery.reason in client.get(answer["Location"]).content.decode()

    def test_who_sends_the_same_form_with_another_number_is_told_that_it_was_sent(self, client):
        form = self.form(client)
        self.post(client, form)
        for changed in ({"number": "0470 12 39 88"}, {"gateway": "memory"}):
            answer = self.post(client, form | changed)
            assert "was sent already" in answer.content.decode()
        assert Delivery.objects.count() == 1
        assert StaffAct.objects.count() == 1

    @pytest.mark.parametrize(
        ("typed", "said"),
        [
            ({"number": "02 555 12 12"}, "02 555 12 12"),
            ({"number": ""}, "required"),
            ({"gateway": "no"}, "valid choice"),
        ],
    )
    def test_what_is_wrong_is_said_at_its_field_and_what_was_typed_stays(self, client, typed, said):
        answer = self.post(client, self.form(client, **typed))
        assert answer.status_code == 200
        found = answer.content.decode()
        assert said in found
        assert "errorlist" in found
        assert not Message.objects.exists()

    def test_a_test_too_late_is_not_sent_but_paid_back(self, client, support):
        self.post(client, self.form(client))
        sweeper.sweep(now=timezone.now() + timedelta(minutes=31))
        assert Delivery.objects.get().state == "expired"
        assert standing(support, now=timezone.now()).available == 30

    def test_without_credit_nothing_is_sent(self, client, support):
        poor = person("poor", is_staff=True, is_superuser=True, parts=0, balance=0, now=timezone.now())
        client.force_login(poor)
        answer = self.post(client, self.form(client))
        assert "does not pay" in answer.content.decode()
        assert self.NUMBER in answer.content.decode()
        assert not Message.objects.exists()
        assert not StaffAct.objects.exists()

    def test_the_own_number_stands_there_to_begin_with(self, client, support):
        assert 'value="+32 475 12 34 56"' in page(client)
        User.objects.filter(pk=support.pk).update(mobile="")
        assert "A test SMS" in page(client)
