"""The double of Stripe starts in the demo only, on this machine only, and no live key gets near it."""

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command

from office import environment, stripe_double
from office.management.commands import run
from office.stripe_double.calls import nested
from office.stripe_double.events import signature


def test_it_does_not_start_outside_the_demo(settings):
    settings.DEMO = False
    with pytest.raises(CommandError, match="DEMO is not 1"):
        call_command("stripe_double")


@pytest.mark.parametrize("base", ["", "https://api.stripe.com", "http://example.org:80", "http://127.0.0.1"])
def test_it_listens_on_this_machine_only(settings, base):
    settings.DEMO, settings.STRIPE_API_BASE = True, base
    with pytest.raises(CommandError, match="STRIPE_API_BASE"):
        call_command("stripe_double")


def test_it_refuses_a_live_key(settings):
    settings.DEMO, settings.STRIPE_API_BASE, settings.STRIPE_SECRET_KEY = True, "http://127.0.0.1:9", "sk_live_x"
    with pytest.raises(CommandError, match="refuses live keys"):
        call_command("stripe_double")


@pytest.mark.parametrize(
    ("key", "base", "demo", "told"),
    [
        ("sk_live_x", "", True, "in the demo no card is charged"),
        ("rk_live_x", "http://127.0.0.1:9", False, "STRIPE_API_BASE must be left empty"),
        ("pk_test_x", "", False, "must begin with"),
    ],
)
def test_a_key_that_cannot_be_right_stops_the_start(monkeypatch, key, base, demo, told):
    monkeypatch.setenv("STRIPE_SECRET_KEY", key)
    with pytest.raises(ImproperlyConfigured, match=told):
        environment.stripe_key("STRIPE_SECRET_KEY", own_stripe=bool(base), demo=demo)


@pytest.mark.parametrize("value", ["ten", "10;20", "0", "-5", "1.234"])
def test_amounts_that_are_none_stop_the_start(monkeypatch, value):
    monkeypatch.setenv("TOP_UP_AMOUNTS", value)
    with pytest.raises(ImproperlyConfigured, match="TOP_UP_AMOUNTS"):
        environment.top_up_amounts("TOP_UP_AMOUNTS", "10")


@pytest.mark.parametrize("value", ["x", "100", "-1", "21,5"])
def test_a_rate_that_is_none_stops_the_start(monkeypatch, value):
    monkeypatch.setenv("VAT_RATE", value)
    with pytest.raises(ImproperlyConfigured, match="VAT_RATE"):
        environment.percent("VAT_RATE", "21")


def test_run_starts_it_beside_the_demo_and_nowhere_else(settings):
    settings.STRIPE_DOUBLE = ""
    assert "stripe" not in [child.name for child in run.household()]
    settings.STRIPE_DOUBLE = stripe_double.address(8000)
    assert "stripe" in [child.name for child in run.household()]


def test_its_port_is_one_whatever_the_offices(settings):
    assert stripe_double.address(8000) == "http://127.0.0.1:18000"
    assert stripe_double.address(60_000) == "http://127.0.0.1:50000"


def test_its_key_is_of_this_installation():
    assert stripe_double.secret_key("a") != stripe_double.secret_key("b")
    assert stripe_double.secret_key("a").startswith("sk_test_")


def test_fields_in_brackets_are_what_they_mean():
    assert nested([("a[0][b]", "1"), ("a[0][c]", "2"), ("d", "3")]) == {"a": {"0": {"b": "1", "c": "2"}}, "d": "3"}


def test_a_signature_is_over_the_moment_and_the_body():
    assert signature(b"x", "s", at=1) == signature(b"x", "s", at=1)
    assert len({signature(b"x", "s", at=1), signature(b"x", "s", at=2), signature(b"y", "s", at=1)}) == 3
