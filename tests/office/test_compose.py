"""docker-compose.yml: valid, without a secret, and with every variable of the settings."""

import re
import subprocess
import sys
from pathlib import Path

from tests.servers import PROJECT
from tests.static.test_settings_are_documented import variables_read

COMPOSE = (PROJECT / "docker-compose.yml").read_text()
NOT_FOR_CONTAINERS = {"DEMO", "OFFICE_DATA"}  # the demo serves one machine; the containers keep nothing in a folder


def test_the_file_is_valid():
    checker = Path(sys.executable).with_name("check-jsonschema")
    command = [checker, "--builtin-schema", "vendor.compose-spec", "docker-compose.yml"]
    done = subprocess.run(command, cwd=PROJECT, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_every_setting_can_be_given_and_no_other():
    environment = COMPOSE.split("environment: &environment")[1].split("depends_on:")[0]
    given = set(re.findall(r"^    ([A-Z_]+):", environment, flags=re.MULTILINE))
    assert given | {"PORT"} == variables_read() - NOT_FOR_CONTAINERS


def test_what_is_secret_must_be_given():
    for name in ("POSTGRES_PASSWORD", "SECRET_KEY"):
        values = re.findall(rf"\$\{{{name}(:[^}}]*)\}}", COMPOSE)
        assert values
        assert all(value.startswith(":?") and len(value) > 10 for value in values)


def test_each_process_of_the_office_has_a_service():
    commands = re.findall(r"^    command: (.*)$", COMPOSE, flags=re.MULTILINE)
    for wanted in ("gunicorn --config python:office.serving", "office worker", "office beat", "manage.py dispatcher"):
        assert [command for command in commands if wanted in command]
