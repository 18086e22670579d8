"""What every test may use. The servers come from the plugin tests.servers, started before Django is."""

from collections.abc import Generator
from datetime import datetime
from typing import Any
from unittest.mock import patch

import pytest
from django.conf import settings
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.test.utils import override_settings
from django.utils import timezone

from contacts import clock
from tests.rows import TITLES

pytest_plugins = ["tests.databases", "tests.browser", "tests.log_lines", "tests.payments"]


@pytest.fixture(scope="session", autouse=True)
def quick_passwords() -> Generator[None, Any, None]:
    """Argon2 takes its time on purpose; the tests that make a user a hundred times need not."""
    with override_settings(PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"]):
        yield


@pytest.fixture(scope="session", autouse=True)
def time_that_tests_can_move() -> Generator[None, Any, None]:
    """The office's time is Django's `timezone.now`, which a test may replace, and not the clock of PostgreSQL."""

    def moved() -> datetime:
        return timezone.now()

    with patch.object(clock, "_running", [moved]):
        yield


@pytest.fixture(scope="session", autouse=True)
def static_files_from_their_sources() -> Generator[None, Any, None]:
    """Nothing is collected for the tests: the pages name the files as they are, the live server finds them.

    pytest-django's live server finds them only where the app has its plain name; ours is `office.apps.StaticFiles`.
    """
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    finds = patch("django.test.testcases._StaticFilesHandler", StaticFilesHandler)
    with finds, override_settings(STORAGES=settings.STORAGES | {"staticfiles": plain}):
        yield


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Write the rows that a test names beside its outcome, for `make rows`."""
    for item in items:
        for row in sorted({row for mark in item.iter_markers("row") for row in mark.args}):
            if row not in TITLES:
                raise pytest.UsageError(f"{item.nodeid} names the row {row!r}, which the specification does not have")
            item.user_properties.append(("row", row))
