"""One pytest that collects all tests once; for each removal it forks, does the damage there and runs a few of them.

So a removal costs its tests and little else: servers, libraries, the product and the tests are there already.
"""

import json
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from pytest_django.plugin import blocking_manager_key

from tests.chaos.sabotage import saboteur
from tests.chaos.sabotage.protection import Protection
from tests.chaos.sabotage.protections import protections

PATIENCE = 180  # seconds
SITE = Path(__file__).parent / "site"
OPTIONS = ["-q", "-s", "-n0", "--tb=short", "-pno:cacheprovider", "--reuse-db"]


def main(words: Sequence[str]) -> int:
    """Take the protections away one after the other; say which removals the tests notice."""
    said = os.dup(1)
    os.dup2(2, 1)  # what pytest itself prints is not part of the answer
    with os.fdopen(said, "w") as answers:
        runner = Runner([each for each in protections() if _is_meant(each.name, words)], answers)
        if not runner.chosen:
            print(json.dumps({"protections": 0}), file=answers)
            return 1
        code = pytest.main(OPTIONS, plugins=[runner])
    return int(code) or (1 if runner.survivors else 0)


def _is_meant(name: str, words: Sequence[str]) -> bool:
    return not words or any(word in name for word in words)


@dataclass
class Runner:
    """The plugin: in the parent it hands out the work, in a fork it is that of the tests that were chosen."""

    chosen: list[Protection]
    answers: Any
    survivors: int = 0
    answer_to: int = 0
    own: Path | None = None
    failed: list[str] = field(default_factory=list)
    passed: list[str] = field(default_factory=list)

    @pytest.hookimpl(tryfirst=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        """Collect what the removals need."""
        config.args = sorted({test.partition("::")[0] for each in self.chosen for test in each.tests})

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        """Fork for each removal. In a fork it returns None: pytest goes on with the tests that were chosen."""
        from tests import databases, servers

        if session.testsfailed:
            raise pytest.UsageError("not all tests could be collected")
        began = time.monotonic()
        with databases.on_sqlite(Path(os.environ[servers.FOLDER])):
            pass  # now there is a migrated file to copy
        all_tests = tuple(dict.fromkeys(test for each in self.chosen for test in each.tests))
        undamaged = self._fork(session, all_tests, None)
        if undamaged is None:
            return None
        sound = set(undamaged["passed"]) - set(undamaged["failed"])
        for each in self.chosen:
            ill = [item.nodeid for item in _chosen(session.items, each.tests) if item.nodeid not in sound]
            answer: dict[str, Any] | None = {"error": f"undamaged it does not pass: {', '.join(ill[:1])}"}
            if not ill:
                answer = self._fork(session, each.tests, each.damage)
            if answer is None:
                return None
            self._judge(each, answer)
        took = round(time.monotonic() - began)
        self._say({"protections": len(self.chosen), "survivors": self.survivors, "seconds": took})
        return True

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep which tests passed, and which failed."""
        if report.failed:
            self.failed.append(report.nodeid)
        elif report.when == "call" and report.passed:
            self.passed.append(report.nodeid)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self) -> None:
        """End a fork: nothing of the parent's is tidied up there."""
        if self.answer_to:
            self._answer({"failed": self.failed, "passed": self.passed})

    def _judge(self, protection: Protection, answer: dict[str, Any]) -> None:
        error = answer.get("error") or ("" if answer["failed"] or answer["passed"] else "there is no such test")
        caught = not error and bool(answer["failed"])
        self.survivors += not caught
        self._say({"name": protection.name, "caught": caught, "by": error or next(iter(answer["failed"]), "")})

    def _fork(
        self, session: pytest.Session, tests: tuple[str, ...], damage: dict[str, Any] | None
    ) -> dict[str, Any] | None:
        """Return what came of the tests, with damage of the first that failed; None in the fork that is to run them."""
        from tests import servers

        reading, writing = os.pipe()
        child = os.fork()
        if child:
            os.close(writing)
            with os.fdopen(reading) as answer:
                said = answer.read()
            os.waitpid(child, 0)
            return json.loads(said or '{"error": "it ended without a word"}')
        os.close(reading)
        self.answer_to = writing
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        servers._servers.clear()  # they are the parent's to stop
        servers._folders.clear()
        try:
            session.items = _chosen(session.items, tests)
            if damage:
                session.config.option.maxfail = 1
                signal.alarm(PATIENCE)  # what never ends is said, and the list goes on
                self._damage(session.config, damage)
        except Exception as error:
            self._answer({"error": f"{type(error).__name__}: {error}"})
        return None

    def _damage(self, config: pytest.Config, damage: dict[str, Any]) -> None:
        """Do the damage, here and in all processes begun from here."""
        from django.core.management.commands.migrate import Command

        from tests import databases, servers

        Command.handle = lambda *_args, **_options: None  # the undamaged run has made the tables already
        os.environ |= {saboteur.VARIABLE: json.dumps(damage), "PYTHONPATH": f"{SITE}{os.pathsep}{saboteur.PROJECT}"}
        if not saboteur.is_of_tables(damage):
            saboteur.change_loaded(damage)
            return
        self.own = Path(tempfile.mkdtemp(prefix="office-", dir="/tmp"))
        template = f"{databases.TEMPLATE}.sqlite3"
        shutil.copy(Path(os.environ[servers.FOLDER]) / template, self.own)
        os.environ[servers.FOLDER] = str(self.own)
        with config.stash[blocking_manager_key].unblock():
            saboteur.change_tables(damage, self.own / template)

    def _answer(self, said: dict[str, Any]) -> None:
        with os.fdopen(self.answer_to, "w") as answer:
            json.dump(said, answer)
        if self.own:
            shutil.rmtree(self.own, ignore_errors=True)
        os._exit(0)

    def _say(self, said: dict[str, Any]) -> None:
        print(json.dumps(said), file=self.answers, flush=True)


def _chosen(items: list[pytest.Item], tests: tuple[str, ...]) -> list[pytest.Item]:
    """Return the tests that were chosen, those first that stand first in the choice."""
    places = ((next((at for at, test in enumerate(tests) if _matches(each, test)), -1), each) for each in items)
    return [each for _at, each in sorted((pair for pair in places if pair[0] >= 0), key=lambda pair: pair[0])]


def _matches(item: pytest.Item, test: str) -> bool:
    """Whether a line of a choice means this test: a file, and with :: words that all stand in its name.

    On which database says the word itself; without one it is SQLite, which is quicker. Never one in a browser.
    """
    file, _, words = test.partition("::")
    name = item.nodeid.partition("::")[2]
    on_both = "sqlite" in words or "postgresql" in words
    in_browser = "live_server" in getattr(item, "fixturenames", ())
    return (
        not in_browser
        and item.nodeid.startswith(f"{file}::")
        and all(word in name for word in words.split())
        and (on_both or "[postgresql" not in name)
    )
