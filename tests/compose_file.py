"""docker-compose.yml as plain processes: each service's very command and environment, on private servers.

No Docker engine is needed: a container's command runs in a folder of its own with the variables that the file gives it,
and only the names of hosts and ports are those of this machine.
"""

import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from office.children import Child
from tests.servers import PROJECT

COMPOSE = PROJECT / "docker-compose.yml"
SECONDS = 300  # only what hangs takes so long, also on a machine that has much else to do


class NotGiven(Exception):
    """A variable that the file asks for; the text is what it says about it."""


@dataclass
class Services:
    """The services of the file with `given` in the place of its variables, and `hosts` in that of its host names."""

    folder: Path
    given: Mapping[str, str]
    hosts: Mapping[str, str]
    running: dict[str, Child] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.services: dict[str, Any] = yaml.safe_load(COMPOSE.read_text())["services"]

    def environment(self, name: str) -> dict[str, str]:
        """What the container's process finds in its environment, and nothing else of this machine but a PATH."""
        wanted = self.services[name].get("environment", {})
        own = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "OFFICE_DATA": str(self.folder)}
        return own | {variable: self._filled(value) for variable, value in wanted.items()}

    def command(self, name: str) -> list[str]:
        """The container's command, in words."""
        return shlex.split(self._filled(self.services[name]["command"]))

    def run(self, name: str, *words: str) -> str:
        """Run the service's command, or `words`, to its end; return what it said."""
        done = subprocess.run(
            words or self.command(name), cwd=PROJECT, env=self.environment(name), check=False, capture_output=True,
            text=True, timeout=SECONDS,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def start(self, name: str) -> None:
        """Start the service."""
        child = Child(name, ["env", "-i", *_assigned(self.environment(name)), *self.command(name)], self._log(name))
        self.running[name] = child
        child.start()

    def wait_until_healthy(self, name: str) -> None:
        """Return when the service's own health check passes."""
        [kind, *check] = self.services[name]["healthcheck"]["test"]
        assert kind == "CMD"
        words = [self._filled(word) for word in check]
        environment = self.environment(name)
        self.wait_until(
            lambda: (
                subprocess.run(words, cwd=PROJECT, env=environment, check=False, capture_output=True).returncode == 0
            )
        )

    def wait_until(self, true: Callable[[], bool]) -> None:
        """Return when `true()` is; fail with the last lines of all logs where that takes too long."""
        give_up = time.monotonic() + SECONDS
        while not true():
            if time.monotonic() > give_up:
                raise AssertionError("\n".join(line for each in self.running.values() for line in each.last_lines()))
            time.sleep(0.1)

    def _filled(self, value: str) -> str:
        filled = re.sub(r"\$(\$|\{(\w+)(?::([-?])([^}]*))?\})", self._value, value)
        for host, here in self.hosts.items():
            filled = filled.replace(host, here)
        return filled

    def _value(self, found: re.Match[str]) -> str:
        if found[1] == "$":
            return "$"
        value = self.given.get(found[2], "")
        if not value and found[3] == "?":
            raise NotGiven(found[4])
        return value or (found[4] or "" if found[3] == "-" else "")

    def _log(self, name: str) -> Path:
        return self.folder / f"{name}.log"


def _assigned(environment: Mapping[str, str]) -> list[str]:
    return [f"{name}={value}" for name, value in environment.items()]
