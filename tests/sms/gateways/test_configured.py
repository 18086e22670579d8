"""Gateways are built once from SMS_GATEWAYS, refused with the path of the setting, and chosen by SMS_ROUTES."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

from sms.gateways import configured
from sms.gateways.memory import Memory
from sms.gateways.phone import Phone

MEMORY = "sms.gateways.memory.Memory"
PHONE = "sms.gateways.phone.Phone"


def gateways(**by_alias):
    return {alias: {"BACKEND": MEMORY, "OPTIONS": options} for alias, options in by_alias.items()}


def test_an_adapter_is_built_once_with_its_options():
    with override_settings(SMS_GATEWAYS={"ours": {"BACKEND": PHONE, "OPTIONS": {"url": "http://x/", "window": 3}}}):
        built = configured.gateway("ours")
        assert isinstance(built, Phone)
        assert (built.url, built.window, built.rate) == ("http://x/", 3, None)
        assert configured.gateway("ours") is built


def test_threads_get_the_same_adapter():
    with override_settings(SMS_GATEWAYS=gateways(a={})), ThreadPoolExecutor(8) as pool:
        assert len({id(each) for each in pool.map(configured.gateway, ["a"] * 50)}) == 1


def test_changed_settings_are_built_anew_and_old_ones_come_back():
    with override_settings(SMS_GATEWAYS=gateways(a={"window": 2})):
        assert configured.gateway("a").window == 2
        with override_settings(SMS_GATEWAYS=gateways(a={"window": 5}, b={})):
            assert configured.gateway("a").window == 5
            assert configured.aliases() == ("a", "b")
            assert configured.first_route("+32475123456") == "a"
        assert configured.gateway("a").window == 2
        with pytest.raises(configured.NoSuchGateway):
            configured.gateway("b")


def test_two_aliases_of_one_adapter_are_two():
    with override_settings(SMS_GATEWAYS=gateways(a={}, b={"window": 5})):
        assert configured.gateway("a") is not configured.gateway("b")
        assert (configured.gateway("a").window, configured.gateway("b").window) == (10, 5)


@pytest.mark.parametrize(
    ("backend", "option", "value", "sentence"),
    [
        (MEMORY, "windw", 3, "is not an option of Memory. Known: window, rate,"),
        (MEMORY, "_journal", 3, "is not an option of Memory."),
        (MEMORY, "window", "s3cret", "must be a whole number."),
        (MEMORY, "window", True, "must be a whole number."),
        (MEMORY, "window", 2.5, "must be a whole number."),
        (MEMORY, "window", 0, "must be from 1 to 1000."),
        (MEMORY, "window", 1001, "must be from 1 to 1000."),
        (MEMORY, "rate", 0, "must be more than 0."),
        (MEMORY, "rate", float("inf"), "must be more than 0."),
        (MEMORY, "rate", float("nan"), "must be more than 0."),
        (MEMORY, "rate", "ten", "must be a number or null."),
        (MEMORY, "can_query", 1, "must be true or false."),
        (MEMORY, "secret", None, "must be text."),
        (MEMORY, "latency", -1, "must not be less than 0."),
        (MEMORY, "script", ["s3cret"], "must be made of accept,"),
        (PHONE, "url", "s3cret", "must begin with http:// or https://."),
        (PHONE, "timeout", 60, "must be more than 0 and at most 20 seconds."),
    ],
)
def test_an_option_that_cannot_be_is_named_and_its_value_is_not(backend, option, value, sentence):
    with pytest.raises(ImproperlyConfigured) as refused:
        configured.build("ours", {"BACKEND": backend, "OPTIONS": {option: value}})
    assert str(refused.value).startswith(f"SMS_GATEWAYS['ours']['OPTIONS']['{option}'] {sentence}")
    assert "s3cret" not in str(refused.value)


def test_an_option_that_is_missing_is_named():
    with pytest.raises(ImproperlyConfigured) as refused:
        configured.build("ours", {"BACKEND": "tests.sms.gateways.test_http.Saying", "OPTIONS": {}})
    assert str(refused.value) == "SMS_GATEWAYS['ours']['OPTIONS']['url'] is missing."


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("sms.gateways.nowhere.Gateway", "cannot be imported"),
        ("sms.gateways.memory.Missing", "cannot be imported"),
        ("nodots", "cannot be imported"),
        ("sms.gateways.memory.receipts_body", "is not a gateway adapter."),
        ("decimal.Decimal", "is not a gateway adapter."),
    ],
)
def test_a_backend_that_is_none_is_named(path, sentence):
    with pytest.raises(ImproperlyConfigured) as refused:
        configured.build("ours", {"BACKEND": path})
    assert str(refused.value).startswith(f"SMS_GATEWAYS['ours']['BACKEND'] '{path}' {sentence}")


def test_an_integer_is_a_number():
    assert isinstance(configured.build("ours", {"BACKEND": MEMORY, "OPTIONS": {"rate": 5, "latency": 0}}), Memory)


ROUTES = [
    {"prefix": "+32", "gateways": ["a", "b"]},
    {"prefix": "+3247", "gateways": ["c"]},
    {"prefix": "+1", "gateways": ["b"]},
]


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        ("+32475123456", ("c",)),
        ("+32486123456", ("a", "b")),
        ("+3247", ("c",)),
        ("+324", ("a", "b")),
        ("+12025550123", ("b",)),
        ("+31612345678", ("a", "b", "c")),
    ],
)
@pytest.mark.parametrize("routes", [ROUTES, ROUTES[::-1]], ids=["as written", "the other way round"])
def test_the_longest_prefix_decides_and_all_gateways_serve_the_rest(number, expected, routes):
    with override_settings(SMS_GATEWAYS=gateways(a={}, b={}, c={}), SMS_ROUTES=routes):
        assert configured.routes_for(number) == expected
        assert configured.first_route(number) == expected[0]


def test_a_route_for_all_numbers():
    with override_settings(SMS_GATEWAYS=gateways(a={}, b={}), SMS_ROUTES=[{"prefix": "+", "gateways": ["b"]}]):
        assert configured.routes_for("+32475123456") == ("b",)


def test_without_gateways_there_is_no_route():
    with override_settings(SMS_GATEWAYS={}, SMS_ROUTES=[]):
        assert configured.routes_for("+32475123456") == ()
        with pytest.raises(configured.NoGateway):
            configured.first_route("+32475123456")


def test_a_list_of_ten_thousand_is_routed_in_no_time():
    with override_settings(SMS_GATEWAYS=gateways(a={}, b={}, c={}), SMS_ROUTES=ROUTES):
        began = time.process_time()
        assert {configured.first_route(f"+32{470000000 + each}") for each in range(10_000)} == {"c"}
        assert time.process_time() - began < 0.5
