"""README lists every variable that the settings read, and no other; each with its default."""

import ast
import re

from tests.servers import PROJECT

README = (PROJECT / "README.md").read_text()


def variables_read() -> set[str]:
    """Names handed to a function of `environment`, such as environment.text("SMS_SENDER", …)."""
    tree = ast.parse((PROJECT / "office" / "settings.py").read_text())
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and node.args]
    readers = [call for call in calls if ast.unparse(call.func).startswith("environment.")]
    first = [call.args[0] for call in readers]
    return {name.value for name in first if isinstance(name, ast.Constant) and str(name.value).isupper()}


def variables_documented() -> set[str]:
    """Names in the first cell of a table's line: | `SMS_SENDER` | … |"""
    return set(re.findall(r"^\| *`([A-Z][A-Z0-9_]+)`", README, flags=re.MULTILINE))


def test_every_variable_is_in_readme_and_no_other() -> None:
    assert variables_read() == variables_documented()


def test_only_the_settings_read_the_environment() -> None:
    allowed = {"office/environment.py"}
    readers = {
        str(path.relative_to(PROJECT))
        for app in ("office", "agenda", "messaging", "sms", "credit", "contacts")
        for path in (PROJECT / app).rglob("*.py")
        if re.search(r"os\.getenv|os\.environ(\.get\(|\[)", path.read_text())
    }
    assert readers <= allowed
