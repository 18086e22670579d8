"""`manage.py user`, and the demo's people: made once, changed only where asked, refused in plain words."""

import io

import pytest
from django.core.management import CommandError, call_command
from django.urls import resolve
from django.utils import timezone

from contacts.models import Group, Membership, User
from credit.allowance import standing
from credit.books import check
from credit.models import Account, Entry, Plan
from office import demo, people
from office.people import BadDetails, Details
from tests.people import NOW

pytestmark = pytest.mark.django_db


def command(*words: str) -> str:
    said = io.StringIO()
    call_command("user", *words, stdout=said)
    return said.getvalue()


def change(name="dirk", **given) -> User:
    return people.make_or_change(Details(name=name, **given), now=NOW)[0]


def test_a_user_is_made_as_the_contract_writes_it():
    said = command(
        "dirk", "--mobile", "0475 12 34 56", "--country", "BE", "--language", "nl", "--parts", "30", "--balance", "5.00"
    )
    user = User.objects.get(username="dirk")
    assert (user.mobile, user.mobile_typed, user.country, user.language) == (
        "+32475123456",
        "0475 12 34 56",
        "BE",
        "nl",
    )
    assert not user.is_staff
    assert not user.has_usable_password()
    has = standing(user, now=timezone.now())
    assert (has.granted, has.available, has.balance) == (30, 30, 50_000)
    assert "dirk was made." in said
    assert list(check()) == []


def test_the_link_sets_a_password_once(client, settings):
    link = command("dirk").split()[-1]
    assert link.startswith(settings.BASE_URL)
    path = link.removeprefix(settings.BASE_URL)
    form = client.get(path, follow=True)
    assert form.status_code == 200
    password = "a good long phrase 27"
    asked = form.redirect_chain[-1][0]
    client.post(asked, {"password1": password, "password2": password})
    assert User.objects.get(username="dirk").check_password(password)
    client.logout()
    again = client.get(path, follow=True)
    assert b'name="password1"' not in again.content


def test_only_what_is_given_changes():
    before = change(mobile="0475 12 34 56", country="BE", language="fr", email="d@example.com", parts="30", staff=True)
    user, made = people.make_or_change(Details(name="dirk", language="en"), now=NOW)
    assert not made
    assert user.pk == before.pk
    assert (user.mobile, user.country, user.language, user.email) == ("+32475123456", "BE", "en", "d@example.com")
    assert user.is_staff
    assert standing(user, now=NOW).granted == 30


def test_the_balance_is_set_by_the_difference_with_a_reason():
    user = change(balance="5.00")
    change(balance="2.5")
    change(balance="2.5")
    entries = Entry.objects.filter(account__user=user, kind=Entry.Kind.ADJUST).order_by("id")
    assert [entry.amount for entry in entries] == [50_000, -25_000]
    assert all(entry.why for entry in entries)
    assert standing(user, now=NOW).balance == 25_000
    assert list(check()) == []


def test_a_plan_is_shared_and_one_with_its_own_price_is_not_taken_for_it():
    Plan.objects.create(name="Cheap 30", parts_a_month=30, price=1)
    first, second = change("a", parts="30"), change("b", parts="30")
    plans = {Account.objects.get(user=user).plan_id for user in (first, second)}
    assert len(plans) == 1
    assert standing(first, now=NOW).price == 950


@pytest.mark.parametrize(
    ("given", "word"),
    [
        ({"mobile": "0475"}, "--mobile"),
        ({"mobile": "+32 2 555 12 12"}, "--mobile"),
        ({"country": "Belgium"}, "--country"),
        ({"country": "be"}, "--country"),
        ({"language": "de"}, "--language"),
        ({"email": "somewhere"}, "--email"),
        ({"parts": "-1"}, "--parts"),
        ({"parts": "many"}, "--parts"),
        ({"parts": "²"}, "--parts"),
        ({"parts": "1000001"}, "--parts"),
        ({"balance": "-1"}, "--balance"),
        ({"balance": "1.00001"}, "--balance"),
        ({"balance": "NaN"}, "--balance"),
        ({"balance": "1e99"}, "--balance"),
        ({"balance": "five"}, "--balance"),
    ],
)
def test_a_bad_value_is_named_and_nothing_changes(given, word):
    change(mobile="0475 12 34 56", language="nl", balance="5.00")
    with pytest.raises(BadDetails) as refused:
        change(**({"email": "new@example.com"} | given))
    [sentence] = refused.value.sentences
    assert sentence.startswith(word)
    user = User.objects.get(username="dirk")
    assert user.email == ""
    assert standing(user, now=NOW).balance == 50_000


def test_each_bad_value_has_its_sentence_and_no_user_is_made():
    with pytest.raises(CommandError) as refused:
        command("no good", "--country", "XX", "--parts", "x")
    said = str(refused.value)
    assert all(word in said for word in ("NAME", "--country", "--parts", "Nothing was changed."))
    assert not User.objects.exists()


def test_an_address_belongs_to_one_user():
    change("a", email="a@example.com")
    with pytest.raises(BadDetails):
        change("b", email="A@Example.com")


class TestDemo:
    @pytest.fixture
    def made(self, settings):
        settings.DEMO = True
        return demo.load(now=NOW)

    def test_it_is_refused_where_this_is_no_demo(self, settings):
        settings.DEMO = False
        with pytest.raises(demo.NotTheDemo):
            demo.load(now=NOW)
        assert not User.objects.exists()

    def test_migrating_makes_no_user(self):
        assert not User.objects.exists()

    @pytest.mark.usefixtures("made")
    def test_anna_is_as_the_contract_says(self):
        anna = User.objects.get(username="anna")
        assert (anna.mobile, anna.country, anna.language) == ("+32475123456", "BE", "nl")
        has = standing(anna, now=NOW)
        assert (has.available, has.balance, has.price) == (30, 50_000, 950)
        assert anna.check_password("demo-office")
        assert not anna.is_staff

    @pytest.mark.usefixtures("made")
    def test_the_team_is_anna_and_ben_and_support_is_staff(self):
        team = Membership.objects.filter(group__name="Team").values_list("user__username", flat=True)
        assert set(team) == {"anna", "ben"}
        assert list(User.objects.filter(is_staff=True).values_list("username", flat=True)) == ["support"]

    @pytest.mark.usefixtures("made")
    def test_a_second_start_keeps_what_people_did(self):
        anna = User.objects.get(username="anna")
        anna.language = "fr"
        anna.set_password("changed since")
        anna.save()
        change("anna", balance="1.00")
        assert demo.load(now=NOW) == []
        anna.refresh_from_db()
        assert anna.language == "fr"
        assert anna.check_password("changed since")
        assert standing(anna, now=NOW).balance == 10_000
        assert Group.objects.count() == 1

    @pytest.mark.usefixtures("made")
    def test_whom_somebody_renamed_is_not_made_again(self):
        User.objects.filter(username="carla").update(username="carla-old")
        assert demo.load(now=NOW) == []

    def test_every_demo_user_is_told_of(self, made):
        assert all(user.username in demo.sign_ins() for user in made)
        assert demo.PASSWORD in demo.sign_ins()


def test_the_link_leads_to_the_page_of_the_password():
    path = people.password_link(change()).split("/", 3)[3]
    assert resolve(f"/{path}").url_name == "account_reset_password_from_key"


def test_the_name_of_a_plan_does_not_say_again_what_stands_beside_it(client):
    client.force_login(change(mobile="+32475123456", country="BE", language="en", parts="30"))
    assert "Subscription: SMS 30, 30 SMS a month." in client.get("/settings/quota/account/").content.decode()
