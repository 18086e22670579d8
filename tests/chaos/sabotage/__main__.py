"""python -m tests.chaos.sabotage [WORD …]: JSON lines {"name", "caught", "by"}; exit code 1 where a removal survives.

With words, only the protections whose names hold one of them. First the tests run undamaged: they must pass.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from tests.chaos.sabotage.saboteur import PROJECT, VARIABLE

SITE = Path(__file__).parent / "site"
PASSED, FAILED = 0, 1  # pytest's exit codes; every other says that the tests did not run


def main(words: list[str]) -> int:
    """Take the protections away one after the other; say which removals the tests notice."""
    os.environ |= {"DJANGO_SETTINGS_MODULE": "office.settings", "DATABASE_URL": "sqlite:///:memory:"}
    import django

    django.setup()
    from tests.chaos.sabotage.protections import Protection, protections

    chosen = [each for each in protections() if not words or any(word in each.name for word in words)]
    sound: dict[tuple[object, ...], bool] = {}
    survivors = 0
    for each in chosen:
        tests = (each.tests, each.servers)
        if tests not in sound:
            sound[tests] = _run(Protection("none", {}, each.tests, each.servers))[0] == PASSED
        code, by = _run(each) if sound[tests] else (PASSED, "the tests fail undamaged")
        survivors += code != FAILED
        print(json.dumps({"name": each.name, "caught": code == FAILED, "by": by}), flush=True)
    print(json.dumps({"protections": len(chosen), "survivors": survivors}))
    return 1 if survivors else 0


def _run(each: "Protection") -> tuple[int, str]:  # type: ignore[name-defined]  # noqa: F821
    """Run the tests with the damage done; return pytest's exit code and the first test that failed."""
    options = ["-q", "-x", "-n", "0", "--tb=no", "-p", "no:cacheprovider", *([] if each.servers else ["--no-servers"])]
    environment = os.environ | {"PYTHONPATH": f"{SITE}{os.pathsep}{PROJECT}", VARIABLE: json.dumps(each.damage)}
    del environment["DATABASE_URL"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, *each.tests],
        cwd=PROJECT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    failed = re.search(r"^(?:FAILED|ERROR) (\S+)", done.stdout, re.MULTILINE)
    return done.returncode, failed[1] if failed else (done.stderr or done.stdout)[-200:]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
