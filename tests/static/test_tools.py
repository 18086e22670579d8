"""What judges the code without running it (`make check`): each tool is one test, its words are shown where it fails."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers import PROJECT

BIN = Path(sys.executable).parent
MANAGE = [sys.executable, "manage.py"]
TEMPLATES = sorted(str(path.relative_to(PROJECT)) for path in PROJECT.glob("templates/**/*.html"))
TOOLS = {
    "types": [sys.executable, "-m", "mypy"],
    "deployment": [*MANAGE, "check", "--deploy", "--fail-level", "WARNING"],
    "migrations": [*MANAGE, "makemigrations", "--check", "--dry-run"],
    "imports": [str(BIN / "lint-imports")],
    "lint": [sys.executable, "-m", "ruff", "check"],
    "format": [sys.executable, "-m", "ruff", "format", "--check", "--diff"],
    "templates": [str(BIN / "djade"), "--check", *TEMPLATES],
    "compose": [str(BIN / "check-jsonschema"), "--builtin-schema", "vendor.compose-spec", "docker-compose.yml"],
}
SHOWN = 100  # letters of a command that failed
# an office as it would be deployed, with a database that nothing has to serve
ENVIRONMENT = {"BASE_URL": "https://office.example", "DATABASE_URL": "sqlite://:memory:"}


@pytest.mark.parametrize("tool", TOOLS)
def test_tool_has_nothing_to_say(tool: str) -> None:
    environment = {**os.environ, **ENVIRONMENT}
    del environment["DJANGO_ALLOW_ASYNC_UNSAFE"]
    done = subprocess.run(
        TOOLS[tool], cwd=PROJECT, env=environment, check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL
    )
    print(done.stdout, done.stderr, sep="\n")
    if done.returncode:
        pytest.fail(" ".join(TOOLS[tool])[:SHOWN], pytrace=False)
