"""uv.lock says what pyproject.toml asks for. Compared here, without uv and without a network."""

import tomllib
from collections.abc import Iterable
from typing import Any

from packaging.requirements import Requirement

from tests.servers import PROJECT

ASKED = tomllib.loads((PROJECT / "pyproject.toml").read_text())
LOCKED = tomllib.loads((PROJECT / "uv.lock").read_text())
OURS = next(package for package in LOCKED["package"] if package["name"] == ASKED["project"]["name"])["metadata"]


def asked(requirements: Iterable[str]) -> set[str]:
    return {text(read.name, read.extras, str(read.specifier)) for read in map(Requirement, requirements)}


def locked(packages: Iterable[dict[str, Any]]) -> set[str]:
    return {text(package["name"], package.get("extras", []), package.get("specifier", "")) for package in packages}


def text(name: str, extras: Iterable[str], specifier: str) -> str:
    return f"{name.lower()}[{','.join(sorted(extras))}]{','.join(sorted(filter(None, specifier.split(','))))}"


def test_what_running_needs() -> None:
    assert locked(OURS["requires-dist"]) == asked(ASKED["project"]["dependencies"])


def test_what_the_tests_need() -> None:
    assert locked(OURS["requires-dev"]["dev"]) == asked(ASKED["dependency-groups"]["dev"])


def test_every_package_has_a_hash() -> None:
    files = [file for package in LOCKED["package"] for file in package.get("wheels", [])]
    assert files
    assert all(file["hash"].startswith("sha256:") for file in files)
