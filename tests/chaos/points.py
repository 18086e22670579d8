"""The crash points of the product, collected from its source: whoever adds one has it hit by the harness."""

import ast

from tests.servers import PROJECT

APPS = ("office", "agenda", "messaging", "sms", "credit", "contacts")


def all_points() -> list[str]:
    """Return the name at each `fault.hit`, as often as it stands in the source."""
    calls = [
        node
        for app in APPS
        for path in sorted((PROJECT / app).rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "fault.hit"
    ]
    return [ast.literal_eval(call.args[0]) for call in calls]


def points() -> set[str]:
    """Return the names of all crash points."""
    return set(all_points())
