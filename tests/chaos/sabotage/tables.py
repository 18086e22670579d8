"""Every CHECK and unique key of messages, credit and limits, found in the source, and every trigger."""

import ast
from collections.abc import Iterator

from tests.chaos.sabotage.protection import Protection, cut
from tests.chaos.sabotage.saboteur import PROJECT

TESTS = {
    "sms/models.py": ("tests/sms/test_models.py",),
    "credit/models.py": ("tests/credit/test_models.py",),
    "credit/limit_models.py": ("tests/credit/test_limit_models.py",),
}
CREDIT, SMS = "tests/credit/test_charging.py::database_refuses", "tests/sms/test_submission.py::database_refuses"


def constraints() -> Iterator[Protection]:
    """Yield every constraint and every unique column of the models."""
    for path, tests in TESTS.items():
        app = path.split("/")[0]
        for model in ast.parse((PROJECT / path).read_text()).body:
            if isinstance(model, ast.ClassDef):
                for call in (each for each in ast.walk(model) if isinstance(each, ast.Call)):
                    words = {each.arg: each.value for each in call.keywords}
                    if ast.unparse(call.func).endswith("Constraint"):
                        name = ast.literal_eval(words["name"])
                        yield Protection(f"constraint {name}", {"constraint": name}, tests)
                for line in model.body:
                    if isinstance(line, ast.Assign) and _is_unique(line.value):
                        column = f"{app}.{model.name}.{ast.unparse(line.targets[0])}"
                        yield Protection(f"unique key {column}", {"unique": column}, tests)


def _is_unique(value: ast.expr) -> bool:
    if not isinstance(value, ast.Call):
        return False
    says = any(each.arg == "unique" and ast.unparse(each.value) == "True" for each in value.keywords)
    return says or ast.unparse(value.func).endswith("OneToOneField")


def triggers() -> Iterator[Protection]:
    """Yield every trigger: it is there, and does nothing."""
    for name, table, when in (
        ("delivery_moves_as_allowed", "sms_delivery", "_MOVE"),
        ("delivery_stays_what_it_was", "sms_delivery", "_CHANGED"),
        ("message_stays_what_it_was", "sms_message", "_REWRITTEN"),
    ):
        yield cut(f"trigger {name}", "sms/triggers.py", f'("{table}", {when},', f'("{table}", "1 = 0",', SMS)
    for name, verb in (("entry_is_never_changed", "UPDATE"), ("entry_is_never_deleted", "DELETE")):
        there = f'"""CREATE TRIGGER {name} BEFORE {verb} ON credit_entry\n'
        yield cut(f"trigger {name}", "credit/triggers.py", there, there[:-1] + " WHEN 1 = 0\n", CREDIT)
