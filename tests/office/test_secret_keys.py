"""A new SECRET_KEY that remembers the old: nobody is signed out, and what was proved under the old key stays proved."""

import subprocess
import sys

import pytest
from django.test import Client
from django.utils import timezone

from contacts.models import User
from sms import departure, dispatch, submission
from sms.models import Delivery
from tests.people import person
from tests.servers import PROJECT

pytestmark = pytest.mark.django_db(transaction=True)
NEW = "another key of the office, long enough for nobody to complain"


@pytest.fixture
def anna() -> User:
    return person(now=timezone.now())


@pytest.fixture(params=[True, False], ids=["remembered", "forgotten"])
def rotate(request, settings):
    """Return a function that gives the office a new key; it returns whether the old one is remembered."""

    def to_the_new_key() -> bool:
        settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY] if request.param else []
        settings.SECRET_KEY = NEW
        return request.param

    return to_the_new_key


def test_who_is_signed_in_stays_so(anna, rotate):
    client = Client()
    client.force_login(anna)
    remembered = rotate()
    assert (client.get("/sms/").status_code == 200) is remembered


def test_a_proof_of_departure_can_still_be_checked(anna, rotate):
    to = [submission.Recipient("+32470123456")]
    wanted = submission.Request(user=anna, text="See you at 9", to=to, occasion="form", request_key="k")
    submission.submit(wanted, now=timezone.now())
    dispatch.drain("memory", clock=timezone.now)
    code = departure.code_of(Delivery.objects.get())
    remembered = rotate()
    assert (Client().get(f"/proof/{code}/").status_code == 200) is remembered
    assert departure.code_of(Delivery.objects.get()) != code  # a new sheet is made under the new key


def test_the_variable_is_read(monkeypatch):
    monkeypatch.setenv("SECRET_KEY_FALLBACKS", f"{'a' * 40}, {'b' * 40}")
    ask = "from office import settings; print(*settings.SECRET_KEY_FALLBACKS)"
    done = subprocess.run([sys.executable, "-c", ask], cwd=PROJECT, check=True, capture_output=True, text=True)
    assert done.stdout.split() == ["a" * 40, "b" * 40]
