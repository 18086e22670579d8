"""Users in the administration: invited, found, suspended; user, account and SMS one click from each other."""

import re

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.test import Client
from django.utils import timezone

from contacts.models import StaffAct, User
from sms import dispatch, submission
from sms.models import Delivery
from tests.office.test_staff_site import NO_GROUPS, record_of
from tests.people import numbers, person

pytestmark = pytest.mark.django_db(transaction=True)
NEW = {
    "username": "dora", "first_name": "Dora", "last_name": "Maes", "email": "dora@example.com",
    "mobile": "0475 12 34 56", "country": "BE", "language": "nl", "why": "new colleague",
}  # fmt: skip


class Away(EmailBackend):
    def send_messages(self, messages):
        raise ConnectionRefusedError


@pytest.fixture
def support() -> User:
    return person("support", is_staff=True, is_superuser=True)


@pytest.fixture
def client(support: User) -> Client:
    client = Client()
    client.force_login(support)
    return client


def step(client: Client, user: User, name: str, why: str = "asked by phone"):
    return client.post(f"/admin/contacts/user/{user.pk}/do/{name}/", {"why": why})


class TestInvitation:
    def test_a_new_user_gets_a_link_that_works_once(self, client):
        assert client.post("/admin/contacts/user/add/", NEW | NO_GROUPS).status_code == 302
        dora = User.objects.get(username="dora")
        assert (dora.mobile, dora.mobile_typed) == ("+32475123456", "0475 12 34 56")
        assert not dora.has_usable_password()
        assert not dora.is_superuser
        assert dora.account.balance == 0
        [invitation] = mail.outbox
        assert invitation.to == ["dora@example.com"]
        link = re.search(r"http://[^/]+(\S+)", invitation.body)[1]
        door = Client()
        at = door.get(link)["Location"]
        door.post(at, {"password1": "a-long-enough-word", "password2": "a-long-enough-word"})
        dora.refresh_from_db()
        assert dora.check_password("a-long-enough-word")
        assert Client().get(link).status_code == 200  # spent: no longer a redirect to the form
        assert StaffAct.objects.get().kind == "added"

    def test_the_mail_server_is_away(self, client, settings):
        settings.EMAIL_BACKEND = f"{__name__}.Away"
        answer = client.post("/admin/contacts/user/add/", NEW | NO_GROUPS, follow=True)
        assert "did not take the invitation" in answer.content.decode()
        assert User.objects.filter(username="dora").exists()

    def test_the_link_again(self, client):
        anna = person("anna", email="anna@example.com")
        assert step(client, anna, "invite").status_code == 302
        assert [each.to for each in mail.outbox] == [["anna@example.com"]]
        assert StaffAct.objects.get().kind == "invited"

    @pytest.mark.parametrize(
        ("field", "value"), [("mobile", "02 555 12 12"), ("email", ""), ("email", "ANNA@example.com"), ("why", "")]
    )
    def test_what_cannot_be_taken_is_said_at_its_field(self, client, field, value):
        person("anna", email="anna@example.com")
        answer = client.post("/admin/contacts/user/add/", NEW | NO_GROUPS | {field: value})
        assert answer.context["adminform"].errors[field]
        assert not User.objects.filter(username="dora").exists()
        assert mail.outbox == []

    def test_staff_may_do_all_that_staff_does_and_loses_it_again(self, client):
        anna = person("anna")
        wanted = record_of(anna) | NO_GROUPS | {"why": "helps us"}
        client.post(f"/admin/contacts/user/{anna.pk}/change/", wanted | {"is_staff": "on"})
        anna.refresh_from_db()
        assert anna.is_superuser
        client.post(f"/admin/contacts/user/{anna.pk}/change/", wanted)
        anna.refresh_from_db()
        assert not anna.is_superuser


class TestSuspension:
    def test_what_waits_is_refused_and_paid_back(self, client, settings):
        settings.SMS_GATEWAYS = {"memory": {"BACKEND": "sms.gateways.memory.Memory", "OPTIONS": {}}}
        now, anna = timezone.now(), person("anna", now=timezone.now())
        to = [submission.Recipient(number) for number in numbers(2)]
        request = submission.Request(user=anna, text="See you at 9", to=to, occasion="form", request_key="k")
        submission.submit(request, now=now)
        door = Client()
        door.force_login(anna)
        assert step(client, anna, "suspend").status_code == 302
        dispatch.drain("memory", clock=timezone.now)
        assert set(Delivery.objects.values_list("state", "reason")) == {("refused", "may_not_send")}
        assert door.get("/")["Location"].startswith("/accounts/login/")
        act = StaffAct.objects.get()
        assert (act.kind, act.key, act.why) == ("suspended", str(anna.pk), "asked by phone")

    def test_back_again(self, client):
        anna = person("anna", is_active=False)
        step(client, anna, "readmit")
        anna.refresh_from_db()
        assert anna.is_active

    def test_not_without_a_reason(self, client):
        anna = person("anna")
        assert step(client, anna, "suspend", why=" ").status_code == 200
        anna.refresh_from_db()
        assert anna.is_active
        assert not StaffAct.objects.exists()

    def test_not_oneself_and_nothing_else(self, client, support):
        assert step(client, support, "suspend").status_code == 403
        assert step(client, person("anna"), "explode").status_code == 404

    def test_the_record_s_page_does_not_switch_it(self, client):
        anna = person("anna", is_active=False)
        wanted = record_of(anna) | NO_GROUPS | {"why": "x", "is_active": "on"}
        client.post(f"/admin/contacts/user/{anna.pk}/change/", wanted)
        anna.refresh_from_db()
        assert not anna.is_active


class TestFinding:
    @pytest.mark.parametrize("search", ["anna", "Peeters", "0475 12 34 56", "0032475123456", "anna@example.com"])
    def test_by_name_address_and_number(self, client, search):
        person("anna", last_name="Peeters", email="anna@example.com")
        person("ben", mobile="+32476234567")
        User.objects.filter(username="support").update(mobile="+32478456789")
        found = client.get("/admin/contacts/user/", {"q": search}).context["cl"].result_list
        assert [user.username for user in found] == ["anna"]

    def test_the_account_and_the_sms_are_one_click_away(self, client):
        anna = person("anna")
        page = client.get(f"/admin/contacts/user/{anna.pk}/change/").content.decode()
        for address in re.findall(r'href="(/admin/(?:credit/account|sms/message)[^"]*)"', page):
            assert client.get(address).status_code == 200
        assert f"/admin/credit/account/{anna.account.pk}/change/" in page
        assert f"/admin/sms/message/?user__id__exact={anna.pk}" in page
        assert "30 SMS" in page

    def test_a_list_takes_few_statements(self, client, django_assert_max_num_queries):
        for index in range(20):
            person(f"user-{index}")
        with django_assert_max_num_queries(10):
            page = client.get("/admin/contacts/user/")
        assert len(page.context["cl"].result_list) == 21
