"""python -m tests.chaos.sabotage [WORD …]: JSON lines {"name", "caught", "by"}; exit code 1 where a removal survives.

With words, only the protections whose names hold one of them. Each choice of tests first runs undamaged and must pass.
Servers and databases are made once; each run is a fork that has the libraries loaded and nothing of the product.
"""

import importlib
import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests import servers
from tests.chaos.sabotage import saboteur

SITE = Path(__file__).parent / "site"
PASSED, FAILED = 0, 1  # pytest's exit codes; every other says that the tests did not run
LIBRARIES = ("aiohttp", "babel", "celery", "django.db.models", "django.test", "drf_spectacular", "hypothesis", "lxml")
LIBRARIES += ("phonenumbers", "psycopg2", "structlog", "playwright.sync_api", "xdist.plugin", "pytest_django.plugin")


def main(words: list[str]) -> int:
    """Take the protections away one after the other; say which removals the tests notice."""
    for name in LIBRARIES:
        if importlib.util.find_spec(name.split(".")[0]):
            importlib.import_module(name)
    servers.prepare_environment()
    servers.compile_translations()
    servers.start_servers()
    try:
        return _take_away([each for each in json.loads(_forked(_listed)) if _is_meant(each["name"], words)])
    finally:
        servers.stop_servers()


def _take_away(chosen: list[dict[str, Any]]) -> int:
    sound: dict[str, str] = {}
    survivors = 0
    for each in chosen:
        tests = json.dumps(each["tests"])
        if tests not in sound:
            code, by = _tested({}, each["tests"])
            sound[tests] = "" if code == PASSED else f"undamaged they do not pass: {by}"
        code, by = (PASSED, sound[tests]) if sound[tests] else _tested(each["damage"], each["tests"])
        survivors += code != FAILED
        print(json.dumps({"name": each["name"], "caught": code == FAILED, "by": by}), flush=True)
    print(json.dumps({"protections": len(chosen), "survivors": survivors}))
    return 1 if survivors else 0


def _is_meant(name: str, words: list[str]) -> bool:
    return not words or any(word in name for word in words)


def _listed() -> str:
    """Return all protections as JSON; they need the product, which the parent does not load."""
    import django

    os.environ["DJANGO_SETTINGS_MODULE"] = "office.settings"
    django.setup()
    from tests.chaos.sabotage.protections import protections

    return json.dumps([{"name": each.name, "damage": each.damage, "tests": each.tests} for each in protections()])


def _tested(damage: dict[str, Any], tests: list[str]) -> tuple[int, str]:
    """Run the tests with the damage done; return pytest's exit code and the first test that failed."""
    said = _forked(lambda: _pytest(damage, tests))
    code, _, output = said.partition("\n")
    failed = re.search(r"^(?:FAILED|ERROR) (.+?)(?: - |$)", output, re.MULTILINE)
    return int(code or -1), failed[1] if failed else output[-200:]


def _pytest(damage: dict[str, Any], tests: list[str]) -> str:
    """Do the damage, here and in all processes begun from here, and run the tests."""
    os.environ |= {saboteur.VARIABLE: json.dumps(damage), "PYTHONPATH": f"{SITE}{os.pathsep}{saboteur.PROJECT}"}
    changes_tables = "constraint" in damage or "triggers.py" in str(damage.get("path"))
    own = Path(tempfile.mkdtemp(prefix="office-", dir="/tmp"))
    if changes_tables:  # tables of its own, made with the damage done
        os.environ[servers.FOLDER] = str(own)
    saboteur.begin()
    with (own / "output").open("w+") as output:
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
        options = ["-q", "-x", "-n0", "--tb=no", "-rfE", "-pno:cacheprovider"]
        code = pytest.main([*options, "--create-db" if changes_tables else "--reuse-db", *tests])
        sys.stdout.flush()
        output.seek(0)
        said = output.read()
    shutil.rmtree(own)
    return f"{int(code)}\n{said}"


def _forked(work: Callable[[], str]) -> str:
    """Return what `work` returns in a process of its own."""
    sys.stdout.flush()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        servers._servers.clear()  # they are the parent's to stop
        servers._folders.clear()
        try:
            with os.fdopen(writing, "w") as answer:
                answer.write(work())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as answer:
        said = answer.read()
    os.waitpid(child, 0)
    return said


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
