"""The personal record: kept as typed, read strictly, bad input at its field with everything else kept."""

import html
import re

import pytest

from contacts.models import User
from office.personal_record import signature_cost
from tests.people import person

pytestmark = pytest.mark.django_db
ADDRESS = "/settings/"
GOOD = {
    "mobile": "0475 12 34 56",
    "country": "BE",
    "language": "en",
    "time_zone": "europe/paris",
    "signature": " Anna,  0475 12 34 56 ",
}


@pytest.fixture
def anna(client):
    user = person("anna", mobile="")
    client.force_login(user)
    return user


def save(client, **changes):
    answer = client.post(ADDRESS, GOOD | changes, follow=True)
    return answer.status_code, html.unescape(answer.content.decode())


def kept(user) -> User:
    return User.objects.get(pk=user.pk)


def test_it_wants_to_know_who_asks(client):
    assert client.get(ADDRESS).status_code == client.post(ADDRESS, GOOD).status_code == 302
    assert client.get("/settings/signature/").status_code == 302


@pytest.mark.row("S21", "S22")
def test_what_is_typed_is_kept_clean(client, anna):
    status, page = save(client)
    record = kept(anna)
    assert status == 200
    assert "Saved." in page
    assert (record.mobile, record.mobile_typed) == ("+32475123456", "0475 12 34 56")
    assert (record.time_zone, record.signature) == ("Europe/Paris", "Anna, 0475 12 34 56")
    assert 'value="0475 12 34 56"' in page
    assert "+32 475 12 34 56" in page


def test_a_correction_is_said(client, anna):
    _status, page = save(client, mobile="+32 (0)475 12 34 56")
    assert "+32 (0)475 12 34 56 was read as +32 475 12 34 56" in page


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"mobile": "02 555 12 12"}, "country code is missing"),
        ({"mobile": "+32 2 555 12 12"}, "landline"),
        ({"mobile": "+32475123456O"}, "letters"),
        ({"mobile": "1" * 41}, "40"),
        ({"time_zone": "Mars/Olympus"}, "no zone of this name"),
        ({"country": "XX"}, "XX"),
        ({"language": "xx"}, "xx"),
        ({"signature": "x" * 101}, "100"),
    ],
)
def test_bad_input_changes_nothing_and_keeps_the_rest(client, anna, changes, sentence):
    status, page = save(client, **changes)
    [(name, typed)] = changes.items()
    assert status == 422
    assert sentence in page
    assert "<title>1 error:" in page
    assert page.count('aria-invalid="true"') == 1
    assert f'id="id_{name}_error"' in page
    [tag] = re.findall(rf'<[^>]+id="id_{name}"[^>]*>', page)
    assert "autofocus" in tag
    assert name not in {"mobile", "time_zone", "signature"} or f'value="{typed}"' in page
    assert 'value=" Anna,  0475 12 34 56 "' in page or name == "signature"
    record = kept(anna)
    assert (record.mobile, record.mobile_typed, record.signature, record.time_zone) == ("", "", "", "")


def test_a_number_that_can_be_read_in_two_ways_offers_both_and_a_click_decides(client, anna):
    _status, page = save(client, mobile="32 475 123456", country="DE")
    assert "two ways" in page
    assert 'name="mobile" value="+32475123456"' in page
    answer = client.post(ADDRESS, GOOD | {"country": "DE", "mobile": ["32 475 123456", "+32475123456"]})
    assert answer.status_code == 302
    assert kept(anna).mobile == "+32475123456"


def test_an_emptied_number_is_gone_and_its_absence_is_told(client, anna):
    save(client)
    _status, page = save(client, mobile="")
    assert (kept(anna).mobile, kept(anna).mobile_typed) == ("", "")
    assert "not in your personal record" in page


def test_country_and_language_changed_together_take_effect_together(client, anna):
    status, page = save(client, mobile="06 12 34 56 78", country="FR", language="fr")
    assert status == 200
    assert kept(anna).mobile == "+33612345678"
    assert '<html lang="fr">' in page
    assert "Belgique" in page


def test_only_the_record_changes_and_only_ones_own(client, anna):
    carla = person("carla", mobile="")
    client.post(ADDRESS, GOOD | {"username": "root", "is_staff": "1", "is_superuser": "1", "id": carla.pk})
    assert (kept(anna).username, kept(anna).is_staff, kept(anna).is_superuser) == ("anna", False, False)
    assert kept(carla).mobile == ""


@pytest.mark.row("S22")
def test_what_a_signature_takes_of_each_sms():
    assert signature_cost("  ") is None
    plain = signature_cost("Anna")
    assert (plain.used, plain.limit, plain.costly) == (5, 160, ())
    dear = signature_cost("Gaëlle")
    assert (dear.used, dear.limit, dear.costly, dear.plain) == (7, 70, ("ë",), "Gaelle")


def test_the_cost_is_answered_while_one_types(client, anna):
    page = client.get("/settings/signature/", {"signature": "Gaëlle"}).content.decode()
    assert "Because of ë" in page
    assert "Gaelle" in page
