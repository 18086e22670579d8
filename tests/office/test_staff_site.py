"""Every write of staff is told, in the same transaction; what is told is never changed (FAULTS A4)."""

import pytest
from django.contrib import admin
from django.db import transaction
from django.test import Client, RequestFactory

from contacts.models import Group, Membership, StaffAct, User
from contacts.staff_acts import StaffAdmin
from credit.models import Account, Entry, Plan
from office.staff_site import Untold, told
from tests.people import person

pytestmark = pytest.mark.django_db


@pytest.fixture
def support() -> User:
    return person("support", is_staff=True, is_superuser=True)


@pytest.fixture
def client(support: User) -> Client:
    client = Client()
    client.force_login(support)
    return client


def acts() -> list[StaffAct]:
    return list(StaffAct.objects.order_by("pk"))


class TestNothingIsForgotten:
    def test_every_page_derives_from_the_one_that_tells(self):
        strangers = [model for model, page in admin.site._registry.items() if not isinstance(page, StaffAdmin)]
        assert strangers == []
        assert {User, Group, Account, Plan, StaffAct} <= set(admin.site._registry)

    def test_a_view_that_writes_and_tells_nothing_is_taken_back(self, support):
        def forgetful(request):
            Group.objects.create(name="Board")

        with pytest.raises(Untold, match="contacts_group"):
            told(forgetful)(RequestFactory().post("/"))
        assert not Group.objects.exists()

    @pytest.mark.parametrize(
        "write",
        [
            lambda: User.objects.update(is_staff=True),
            lambda: Group.objects.all().delete(),
            lambda: Plan.objects.bulk_create([Plan(name="x")], ignore_conflicts=True),
            lambda: Plan.objects.filter(name="30 a month").update(price=1),
        ],
    )
    def test_each_kind_of_write_is_seen(self, support, write):
        Group.objects.create(name="Board")
        with pytest.raises(Untold):
            told(lambda request: write())(RequestFactory().post("/"))

    def test_a_page_that_only_shows_may_not_write_either(self, support):
        with pytest.raises(Untold):
            told(lambda request: User.objects.update(is_staff=True))(RequestFactory().get("/"))

    def test_what_is_taken_back_need_not_be_told(self, support):
        def gives_up(request):
            User.objects.update(first_name="x")
            transaction.set_rollback(True)

        told(gives_up)(RequestFactory().post("/"))
        assert not User.objects.filter(first_name="x").exists()

    def test_a_view_that_only_reads_goes_on(self, support):
        reads = lambda request: list(User.objects.select_for_update())  # noqa: E731
        assert told(reads)(RequestFactory().post("/")) == [support]

    def test_every_page_of_the_site_is_watched(self, client, monkeypatch):
        monkeypatch.setattr(StaffAdmin, "log_addition", lambda *_: None)
        with pytest.raises(Untold):
            client.post(
                "/admin/credit/plan/add/",
                {"name": "Big", "parts_a_month": 500, "price_of_a_month": "0", "vat": "21", "why": "new offer"},
            )
        assert not Plan.objects.filter(name="Big").exists()


class TestWhatIsTold:
    def test_a_plan_that_is_made_and_changed(self, client, support):
        client.post(
            "/admin/credit/plan/add/",
            {"name": "Big", "parts_a_month": 500, "price_of_a_month": "0", "vat": "21", "why": "new offer"},
        )
        plan = Plan.objects.get(name="Big")
        wanted = {"name": "Big", "parts_a_month": 600, "price_of_a_month": "0", "vat": "21", "why": "more for the same"}
        client.post(f"/admin/credit/plan/{plan.pk}/change/", wanted)
        first, second = acts()
        assert (first.kind, first.by, first.key, first.why) == ("added", support, str(plan.pk), "new offer")
        assert first.changes == {"name": [None, None], "parts_a_month": [None, 500]}
        assert (second.kind, second.changes) == ("changed", {"parts_a_month": [500, 600]})

    def test_nothing_is_changed_without_a_reason(self, client):
        answer = client.post("/admin/credit/plan/add/", {"name": "Big", "parts_a_month": 500, "why": " "})
        assert answer.status_code == 200
        assert not Plan.objects.filter(name="Big").exists()
        assert acts() == []

    def test_what_is_given_and_why(self, client, support):
        anna = person("anna")
        wanted = {"plan": anna.account.plan_id, "give_parts": 5, "give_money": "1.50", "why": "for the fault of Monday"}
        answer = client.post(f"/admin/credit/account/{anna.account.pk}/change/", wanted | EMPTY_LINES)
        assert answer.status_code == 302
        [act] = acts()
        assert (act.model, act.key, act.why) == ("credit.account", str(anna.account.pk), "for the fault of Monday")
        assert act.changes == {"give_parts": [None, 5], "give_money": [None, "1.50"]}
        entry = Entry.objects.get(account=anna.account, parts=5)
        assert (entry.why, entry.by) == ("for the fault of Monday", support)

    def test_the_balance_that_is_too_small_is_written_as_money(self, client):
        anna = person("anna")
        wanted = {"plan": anna.account.plan_id, "give_money": "-99", "why": "a mistake"} | EMPTY_LINES
        answer = client.post(f"/admin/credit/account/{anna.account.pk}/change/", wanted)
        assert answer.context["adminform"].errors["give_money"] == ["The balance is only €5.00."]

    def test_another_plan_needs_a_reason_too(self, client):
        anna, other = person("anna"), Plan.objects.create(name="Big", parts_a_month=500)
        answer = client.post(f"/admin/credit/account/{anna.account.pk}/change/", {"plan": other.pk} | EMPTY_LINES)
        assert answer.context["adminform"].errors["why"]
        anna.account.refresh_from_db()
        assert anna.account.plan != other

    def test_members_who_come_and_go(self, client):
        anna, ben = person("anna"), person("ben")
        team = Group.objects.create(name="Team")
        member = Membership.objects.create(group=team, user=anna, role="reader")
        lines = {
            "membership_set-TOTAL_FORMS": 2, "membership_set-INITIAL_FORMS": 1,
            "membership_set-0-id": member.pk, "membership_set-0-group": team.pk, "membership_set-0-user": anna.pk,
            "membership_set-0-role": "reader", "membership_set-0-DELETE": "on",
            "membership_set-1-group": team.pk, "membership_set-1-user": ben.pk, "membership_set-1-role": "owner",
        }  # fmt: skip
        client.post(f"/admin/contacts/group/{team.pk}/change/", {"name": "Team", "why": "moved"} | lines)
        [act] = acts()
        assert act.changes == {
            "membership": {
                "added": [{"group": team.pk, "user": ben.pk, "role": "owner"}],
                "removed": [{"group": team.pk, "user": anna.pk, "role": "reader"}],
            }
        }
        page = client.get("/admin/contacts/staffact/").content.decode()
        assert "moved" in page
        assert f"/admin/contacts/group/{team.pk}/change/" in page

    def test_what_somebody_typed_is_not_kept(self, client):
        anna = person("anna", first_name="Anna", email="anna@example.com")
        wanted = record_of(anna) | {"last_name": "Janssens", "email": "new@example.com", "language": "fr"}
        answer = client.post(f"/admin/contacts/user/{anna.pk}/change/", wanted | {"why": "married"} | NO_GROUPS)
        assert answer.status_code == 302
        [act] = acts()
        assert act.changes == {"last_name": [None, None], "email": [None, None], "language": ["en", "fr"]}
        assert act.why == "married"


class TestNeverChanged:
    """In the database itself: tests/contacts/test_staff_acts.py."""

    @pytest.fixture
    def act(self, support):
        return StaffAct.objects.create(by=support, at="2026-11-23T10:00:00Z", kind="read", model="sms.message", key="1")

    def test_the_pages_offer_neither(self, client, act):
        assert client.post(f"/admin/contacts/staffact/{act.pk}/change/", {"why": "another"}).status_code == 403
        assert client.post(f"/admin/contacts/staffact/{act.pk}/delete/", {"post": "yes"}).status_code == 403


@pytest.mark.parametrize("address", ["/admin/", "/admin/contacts/", "/admin/sms/", "/admin/contacts/staffact/"])
def test_the_pages_are_in_the_reader_s_language(address, client, support):
    User.objects.filter(pk=support.pk).update(language="nl")
    answer = client.get(address)
    assert answer.status_code == 200
    assert 'lang="nl"' in answer.content.decode()


def test_a_password_is_changed_at_the_office_s_door_only(client):
    assert client.get("/admin/password_change/")["Location"] == "/accounts/password/reset/"


NO_GROUPS = {"membership_set-TOTAL_FORMS": 0, "membership_set-INITIAL_FORMS": 0}
EMPTY_LINES = {"entries-TOTAL_FORMS": 0, "entries-INITIAL_FORMS": 0}


def record_of(user: User) -> dict[str, str]:
    names = ("username", "first_name", "last_name", "email", "mobile", "country", "language")
    return {name: getattr(user, name) for name in names}
