"""A crash point does nothing until a test puts a handler in place, and nothing again afterwards."""

import ast
from collections import Counter

import pytest

from contacts import fault
from tests.servers import PROJECT

APPS = ("office", "agenda", "messaging", "sms", "credit", "contacts")


def points() -> list[str]:
    """The names of all crash points in the source, as often as they stand there."""
    calls = [
        node
        for app in APPS
        for path in (PROJECT / app).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "fault.hit"
    ]
    return [ast.literal_eval(call.args[0]) for call in calls]


def test_nothing_happens_without_a_handler():
    fault.hit("anywhere")


def test_the_handler_hears_every_point_until_it_is_taken_away():
    heard: list[str] = []
    with fault.installed(heard.append):
        fault.hit("first")
        with fault.installed(lambda _name: None):
            fault.hit("not heard")
        fault.hit("second")
    fault.hit("third")
    assert heard == ["first", "second"]


def test_what_the_handler_raises_comes_out():
    def fail(name: str) -> None:
        raise KeyError(name)

    with fault.installed(fail), pytest.raises(KeyError, match="here"):
        fault.hit("here")


def test_each_crash_point_has_a_name_of_its_own():
    names = Counter(points())
    assert len(names) >= 60
    assert {name for name, times in names.items() if times > 1} == set()
