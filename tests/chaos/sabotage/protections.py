"""The whole list: what to take away, and the tests that must notice."""

from collections.abc import Iterator
from pathlib import Path

from tests.chaos.sabotage.entrances import entrances
from tests.chaos.sabotage.money import money
from tests.chaos.sabotage.owners import owners
from tests.chaos.sabotage.protection import Protection
from tests.chaos.sabotage.saboteur import PROJECT
from tests.chaos.sabotage.sending import sending
from tests.chaos.sabotage.tables import constraints, triggers

MATRIX = "tests/architecture/test_permissions.py::everybody_gets"
# where to look first, for what is read through pages that do not bear the module's name; the others walk all addresses
NEAR = {
    "office/programs.py": ("tests/office/test_tokens.py", f"{MATRIX} [programs]"),
    "office/statement_api.py": (f"{MATRIX} [api:statement]",),
    "sms/api.py": ("tests/sms/test_api.py", f"{MATRIX} [api:message]", f"{MATRIX} [api:cancel]"),
    "sms/history.py": ("tests/sms/test_history.py", "tests/sms/test_history_views.py"),
    "credit/allowance.py": ("tests/credit/test_views.py",),
    "credit/limit_views.py": ("tests/credit/test_limit_views.py", f"{MATRIX} [unblock]"),
    "credit/statement.py": ("tests/credit/test_statement.py", "tests/credit/test_statement_pages.py"),
    "credit/views.py": ("tests/credit/test_views.py", f"{MATRIX} [top_up]", f"{MATRIX} [balance]"),
    "contacts/group_api.py": ("tests/contacts/test_group_api.py", f"{MATRIX} [api:group", f"{MATRIX} [api:invitation"),
    "contacts/group_views.py": (
        "tests/contacts/test_group_views.py",
        f"{MATRIX} [contacts:group",
        f"{MATRIX} [contacts:invitation]",
    ),
}
# the reader that asks looks at the owner itself: here it only saves reading
TWICE = (("sms/history.py", "Message.objects.filter(user=user, accepted_at=None)"),)


def protections() -> Iterator[Protection]:
    """Yield all, those that are found in the source included."""
    yield from constraints()
    yield from triggers()
    yield from sending()
    yield from money()
    yield from entrances()
    for owner in (each for each in owners() if (each.path, each.old) not in TWICE):
        damage = {"path": owner.path, "old": owner.old, "new": owner.new, "at": owner.at}
        name = f"owner: {owner.path}:{owner.line} {owner.old.splitlines()[0][:60]}"
        yield Protection(name, damage, NEAR.get(owner.path) or _mirroring(owner.path))


def _mirroring(path: str) -> tuple[str, ...]:
    """The tests that mirror the module; those that walk every address as another user where there are none."""
    app, stem = path.split("/", maxsplit=1)[0], Path(path).stem
    near = [f"tests/{app}/test_{each}.py" for each in (stem, f"{stem}_views", stem.removesuffix("_views"))]
    return tuple(dict.fromkeys(each for each in near if (PROJECT / each).exists())) or (MATRIX,)
