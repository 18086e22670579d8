"""What keeps an office from serving is told at the start, and hinders no command that does not serve."""

import pytest
from django.core.checks import ERROR, run_checks
from django.core.management import CommandError, call_command
from django.test import override_settings

from sms.checks import SERVING

MEMORY = {"BACKEND": "sms.gateways.memory.Memory", "OPTIONS": {}}


def serving():
    found = run_checks(tags=[SERVING], include_deployment_checks=True)
    return [(problem.id, problem.msg) for problem in found if problem.level >= ERROR]


def test_a_gateway_and_a_sender_are_all_it_needs():
    with override_settings(SMS_GATEWAYS={"ours": MEMORY}, SMS_SENDER="+32 460 00 00 00", DEMO=False):
        assert serving() == []


def test_without_gateway_and_sender_it_does_not_serve():
    with override_settings(SMS_GATEWAYS={}, SMS_SENDER="", DEMO=False):
        assert [which for which, _sentence in serving()] == ["sms.E002", "sms.E003"]
        assert [sentence.split()[0] for _which, sentence in serving()] == ["SMS_GATEWAYS", "SMS_SENDER"]


def test_the_demo_serves_without():
    with override_settings(SMS_GATEWAYS={}, SMS_SENDER="", DEMO=True):
        assert serving() == []


@pytest.mark.parametrize("demo", [True, False])
def test_each_gateway_that_cannot_be_built_is_told(demo):
    bad = {
        "one": {"BACKEND": MEMORY["BACKEND"], "OPTIONS": {"windw": 3}},
        "good": MEMORY,
        "two": {"BACKEND": "sms.gateways.nowhere.Gateway", "OPTIONS": {}},
    }
    with override_settings(SMS_GATEWAYS=bad, SMS_SENDER="Office", DEMO=demo):
        [first, second] = serving()
    assert first[0] == second[0] == "sms.E001"
    assert first[1].startswith("SMS_GATEWAYS['one']['OPTIONS']['windw']")
    assert second[1].startswith("SMS_GATEWAYS['two']['BACKEND']")


def test_commands_that_do_not_serve_are_not_hindered():
    with override_settings(SMS_GATEWAYS={}, SMS_SENDER="", DEMO=False):
        assert [problem for problem in run_checks() if (problem.id or "").startswith("sms.")] == []


def test_check_deploy_stops():
    with override_settings(SMS_GATEWAYS={}, SMS_SENDER="", DEMO=False), pytest.raises(CommandError, match=r"sms\.E002"):
        call_command("check", deploy=True, tags=[SERVING])
