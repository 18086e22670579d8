"""Settings > Limits, the same by program, and what staff set: own things only, in words."""

import html

import pytest
from django.test import Client
from django.utils import timezone

from contacts.models import StaffAct, User
from credit.allowance import standing
from credit.limit_models import BlockedNumber, KnownCountry, Limit, RefusedRange
from sms import submission
from sms.submission import Recipient, Request
from tests.people import MOBILE, numbers, person
from tests.program import Program

pytestmark = pytest.mark.django_db
PAGE = "/settings/limits/"


@pytest.fixture(autouse=True)
def one_limit():
    Limit.objects.all().delete()
    Limit.objects.create(kind="user", window="day", most=20)
    Limit.objects.create(kind="country", window="hour", most=5)


@pytest.fixture
def anna() -> User:
    return person(now=timezone.now())


@pytest.fixture
def signed_in(anna: User) -> Client:
    client = Client()
    client.force_login(anna)
    return client


def page(client: Client) -> str:
    return html.unescape(client.get(PAGE).content.decode())


def send(user: User, *to: str) -> None:
    submission.submit(Request(user, "See you", [Recipient(each) for each in to], "form", "k"), now=timezone.now())


@pytest.mark.row("N18")
def test_a_user_sees_the_limits_with_what_of_them_is_used(signed_in, anna) -> None:
    send(anna, *numbers(3))
    shown = page(signed_in)
    assert "You send at most 20 SMS in one day." in shown
    assert 'data-label="Used">3<' in shown
    assert 'data-label="Left">17<' in shown
    assert "To each country but your own go at most 5 SMS in one hour." in shown


@pytest.mark.row("N18")
def test_the_same_by_program(anna) -> None:
    program = Program.of(anna)
    program.send(*numbers(3))
    KnownCountry.objects.create(user=anna, country="JP", confirmed_at=timezone.now())
    told = program.get("limits/").json()
    assert told["countries"] == ["BE", "JP"]
    found = {each["limit"]: (each["most"], each["used"], each["left"]) for each in told["limits"]}
    assert found == {"user_day": (20, 3, 17), "country_hour": (5, None, None)}


@pytest.mark.row("N18")
def test_a_program_is_told_the_limit_that_it_would_pass_and_its_key_stays_free(anna) -> None:
    program = Program.of(anna)
    refused = program.send(*numbers(21), key="a")
    told = refused.json()
    assert (refused.status_code, told["code"], told["limit"], told["left"]) == (429, "over_limit", "user_day", 20)
    assert told["detail"].startswith("Nothing was sent and nothing was paid. You send at most 20 SMS in one day.")
    assert told["frees_at"]
    assert program.send(*numbers(20), key="a").status_code == 201


@pytest.mark.row("N18")
def test_a_program_confirms_no_country_and_its_user_does(anna, signed_in) -> None:
    Limit.objects.create(kind="new_country", window="day", most=1)
    program = Program.of(anna)
    assert program.send("+31612345678", key="a").status_code == 201
    refused = program.send("+31612345679", key="b")
    assert (refused.status_code, refused.json()["limit"]) == (429, "new_country_day")
    assert signed_in.post(PAGE, {"country": "NL"}).status_code == 302
    assert "🇳🇱 Netherlands" in page(signed_in)
    assert program.send("+31612345679", key="b").status_code == 201


def test_what_is_typed_wrongly_is_said_at_its_field_and_kept(signed_in) -> None:
    answer = signed_in.post(PAGE, {"number": "0475 12 34"})
    assert answer.status_code == 422
    assert 'value="0475 12 34"' in answer.content.decode()
    assert signed_in.post(PAGE, {"country": "XX"}).status_code == 422
    assert signed_in.post(PAGE, {}).status_code == 422
    assert not BlockedNumber.objects.exists()


@pytest.mark.row("N18")
def test_a_user_blocks_a_number_for_oneself_and_takes_it_out_again(signed_in, anna) -> None:
    ben = person("ben", now=timezone.now())
    for _twice in range(2):
        assert signed_in.post(PAGE, {"number": "0475 12 34 56"}).status_code == 302
    program = Program.of(anna)
    refused = program.send(MOBILE).json()
    assert [(each["number"], each["reason"]) for each in refused["to"]] == [(None, "asked_not")]
    quoted = program.post("sms/quote/", {"to": [MOBILE], "text": "x"}).json()
    assert (quoted["people"], quoted["to"][0]["reason"]) == (0, "asked_not")
    assert Program.of(ben).send(MOBILE).status_code == 201
    assert "+32 475 12 34 56" in page(signed_in)
    block = BlockedNumber.objects.get()
    other = Client()
    other.force_login(ben)
    assert other.post(f"{PAGE}numbers/{block.pk}/remove/").status_code == 404
    assert signed_in.post(f"{PAGE}numbers/{block.pk}/remove/").status_code == 302
    assert program.send(MOBILE).status_code == 201


def test_the_block_of_the_office_is_not_the_users_to_take_out(signed_in) -> None:
    block = BlockedNumber.objects.create(number=MOBILE, created_at=timezone.now())
    assert signed_in.post(f"{PAGE}numbers/{block.pk}/remove/").status_code == 404
    assert "+32 475 12 34 56" not in page(signed_in)


class TestStaff:
    @pytest.fixture
    def staff(self) -> Client:
        client = Client()
        client.force_login(person("support", is_staff=True, is_superuser=True))
        return client

    def test_sets_a_limit_with_a_reason_and_it_holds(self, staff, anna) -> None:
        row = Limit.objects.get(kind="user")
        wanted = {"kind": "user", "of": "", "user": "", "window": "day", "most": "2"}
        assert staff.post(f"/admin/credit/limit/{row.pk}/change/", wanted).status_code == 200, "no reason"
        assert staff.post(f"/admin/credit/limit/{row.pk}/change/", wanted | {"why": "abuse"}).status_code == 302
        assert (StaffAct.objects.get().why, StaffAct.objects.get().changes) == ("abuse", {"most": [20, 2]})
        with pytest.raises(submission.OverLimit):
            send(anna, *numbers(3))

    @pytest.mark.parametrize(
        ("wrong", "field"),
        [
            ({"kind": "country", "of": "Belgium"}, "of"), ({"kind": "prefix", "of": ""}, "of"),
            ({"kind": "office", "of": "BE"}, "of"), ({"kind": "office", "user": "1"}, "user"),
        ],
    )  # fmt: skip
    def test_is_told_at_the_field_what_a_kind_does_not_have(self, staff, anna, wrong, field) -> None:
        wanted = {"kind": "office", "of": "", "user": "", "window": "day", "most": "2", "why": "x"} | wrong
        if "user" in wrong:
            wanted["user"] = str(anna.pk)
        answer = staff.post("/admin/credit/limit/add/", wanted)
        assert answer.status_code == 200
        assert field in answer.context["adminform"].form.errors

    def test_adds_a_range_and_a_number_typed_in_any_way(self, staff) -> None:
        assert (
            staff.post("/admin/credit/refusedrange/add/", {"prefix": "+8190", "active": "on", "why": "x"}).status_code
            == 302
        )
        wanted = {"number": "0032 475 12 34 56", "user": "", "active": "on", "why": "asked by letter"}
        assert staff.post("/admin/credit/blockednumber/add/", wanted).status_code == 302
        assert (RefusedRange.objects.get().prefix, BlockedNumber.objects.get().number) == ("+8190", MOBILE)
        assert MOBILE not in str(list(StaffAct.objects.values_list("changes", flat=True)))

    def test_writes_a_plan_in_money_and_raises_who_has_it(self, staff, anna) -> None:
        plan = anna.account.plan
        wanted = {"name": plan.name, "parts_a_month": "45", "price_of_a_part": "0.08", "price_of_a_month": "12.50",
                  "vat": "6", "why": "more"}  # fmt: skip
        assert staff.post(f"/admin/credit/plan/{plan.pk}/change/", wanted).status_code == 302
        plan.refresh_from_db()
        assert (plan.parts_a_month, plan.price, plan.fee, str(plan.vat)) == (45, 800, 125_000, "6.00")
        assert standing(anna, now=timezone.now()).available == 45


@pytest.mark.row("N18")
def test_no_country_is_chosen_before_the_user_chooses_one(anna, signed_in) -> None:
    assert '<option value="" selected>Choose a country</option>' in page(signed_in)
    assert signed_in.post(PAGE, {"country": ""}).status_code == 422
    assert not anna.known_countries.exists()


@pytest.mark.row("N18")
def test_large_figures_are_grouped(anna, signed_in) -> None:
    Limit.objects.create(kind="office", window="day", most=1_000_000)
    assert "The whole office sends at most 1,000,000 SMS in one day." in page(signed_in)
