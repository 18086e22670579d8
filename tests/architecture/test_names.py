"""Files are named for the step or the noun that they hold; an app's `__init__.py` tells what the app knows."""

import ast

import pytest

from tests.servers import PROJECT

APPS = ("office", "agenda", "messaging", "sms", "credit", "contacts")
NAMELESS = {"utils", "helpers", "services", "managers", "common", "signals", "exceptions", "misc"}
TOP_LEVEL = {
    *("manage.py", "pyproject.toml", "uv.lock", "Makefile", "docker-compose.yml", "README.md", "CHANGELOG.md"),
    *(*APPS, "templates", "tests"),
}
MODULES = [path for app in (*APPS, "tests") for path in (PROJECT / app).rglob("*.py")]


def test_no_file_is_named_for_nothing() -> None:
    names = {part: path for path in MODULES for part in (*path.relative_to(PROJECT).parts[:-1], path.stem)}
    assert {name: names[name] for name in NAMELESS & set(names)} == {}


def test_the_top_level_holds_what_was_agreed() -> None:
    found = {path.name for path in PROJECT.iterdir() if not path.name.startswith((".", "__pycache__"))}
    assert found == TOP_LEVEL


@pytest.mark.parametrize("app", APPS)
def test_an_app_says_what_it_knows_and_nothing_else(app: str) -> None:
    tree = ast.parse((PROJECT / app / "__init__.py").read_text())
    assert ast.get_docstring(tree)
    assert len(tree.body) == 1


@pytest.mark.parametrize("app", APPS)
def test_migrations_are_named_by_hand(app: str) -> None:
    names = [path.stem for path in (PROJECT / app / "migrations").glob("[0-9]*.py")]
    assert [name for name in names if "_auto_" in name or name.endswith(("_initial", "_merge"))] == []
