"""Pytest plugin: a private PostgreSQL and Redis for this run, started before Django reads its settings, and Kannels.

pytest-django loads the settings in `pytest_load_initial_conftests`; started any later, the tests would run on SQLite
and nobody would notice. So the hook is a wrapper round that one, named by `-p tests.servers` in pyproject.toml. With
xdist the controller starts the servers and its workers inherit their addresses.

A part that is not installed is named on the screen, and what needs it is skipped; with REQUIRE_ALL=1 every skip fails.
"""

import json
import os
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from tests.servers import folder, kannel, postgresql, redis
from tests.servers.programs import NotInstalled, Server

PROJECT = Path(__file__).resolve().parents[2]
FOLDER = "OFFICE_TEST_FOLDER"  # where this run keeps its files; set = the servers are up
NOWHERE = "postgresql://nobody@127.0.0.1:1/nothing"  # for a run without a server: refused, never SQLite

# so that no setting of the person at the keyboard reaches a test
CLEARED = (
    "BASE_URL", "CURRENCY", "DEMO", "METRICS_TOKEN", "OFFICE_DOMAIN", "OFFICE_NAME", "PORT", "REDIS_URL", "TIME_ZONE",
)  # fmt: skip
# a test that calls make is not below `make test`; what a pipe would hold back is not let through for the tests only;
# the hundred processes that tests start shall not each compile Django and the office again
CLEARED_FAMILIES = ("API_", "SMS_", "DJANGO_SETTINGS", "MAKE", "MFLAGS", "PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE")
GIVEN = {
    "ALLOWED_HOSTS": "testserver,localhost,127.0.0.1",
    "DATABASE_ALLOW": "fsync_off,full_page_writes_off,synchronous_commit_off",  # as postgresql.settings has it
    "DATABASE_URL": NOWHERE,
    "DJANGO_ALLOW_ASYNC_UNSAFE": "1",  # Playwright's loop runs in the thread of the tests
    "EMAIL_URL": "console://",
    "SECRET_KEY": "a key of the tests, long enough for nobody to complain about it",
    "SMS_GATEWAYS": json.dumps({"memory": {"BACKEND": "sms.gateways.memory.Memory", "OPTIONS": {}}}),
    "SMS_SENDER": "+32 460 00 00 00",
}

Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)

# of the process that started them: a worker of xdist, or a pytest within a test, has none
_folders: list[Path] = []
_servers: list[Server] = []
_not_installed: dict[str, str] = {}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--no-servers", action="store_true", help="start no PostgreSQL and no Redis: for the static checks"
    )


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None, Any, Any]:
    if FOLDER not in os.environ:
        prepare_environment()
        compile_translations()
        if not early_config.known_args_namespace.no_servers:
            start_servers()
    try:
        return (yield)
    except BaseException:  # nothing was collected, so pytest_unconfigure will not come
        stop_servers()
        raise


def prepare_environment() -> None:
    for name in [name for name in os.environ if name in CLEARED or name.startswith(CLEARED_FAMILIES)]:
        del os.environ[name]
    os.environ.update(GIVEN)
    made = folder.make()
    os.environ |= {FOLDER: str(made), "OFFICE_DATA": str(made / "data")}
    _folders.append(made)


def compile_translations() -> None:
    subprocess.run([sys.executable, PROJECT / ".ci" / "bootstrap.py", "translations"], check=True)


def start_servers() -> None:
    made = Path(os.environ[FOLDER])
    for name, start in (("DATABASE_URL", postgresql.start), ("REDIS_URL", redis.start)):
        try:
            server = start(made)
        except NotInstalled as missing:
            _not_installed[name] = str(missing)
            continue
        _servers.append(server)
        os.environ[name] = server.url
    try:
        kannel.find_all()
    except NotInstalled as missing:
        _not_installed["KANNEL"] = str(missing)


def stop_servers() -> None:
    while _servers:
        _servers.pop().stop()
    while _folders:
        folder.remove(_folders.pop())
        del os.environ[FOLDER]


def pytest_unconfigure() -> None:
    stop_servers()


def pytest_report_header() -> list[str]:
    lines = [f"{server.name}: {server.version}, private to this run" for server in _servers]
    return lines + [f"WITHOUT: {sentence}" for sentence in _not_installed.values()]


def pytest_terminal_summary(terminalreporter: Any) -> None:
    for sentence in _not_installed.values():
        terminalreporter.write_line(f"WITHOUT: {sentence}", yellow=True, bold=True)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("no_servers"):
        config.hook.pytest_deselected(items=[item for item in items if needs_postgresql(item)])
        items[:] = [item for item in items if not needs_postgresql(item)]
    elif os.environ["DATABASE_URL"] == NOWHERE:
        absent = pytest.mark.skip(reason="needs PostgreSQL, which is not installed")
        for item in items:
            if needs_postgresql(item):
                item.add_marker(absent)


def needs_postgresql(item: pytest.Item) -> bool:
    """Whether a test reaches the database of pytest-django, by its mark or by a fixture."""
    fixtures = {"db", "transactional_db", "django_db_setup", "live_server", "admin_client"}
    return item.get_closest_marker("django_db") is not None or bool(fixtures & set(getattr(item, "fixturenames", ())))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    return required(report)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    return required(report)


def required(report: Report) -> Report:
    """With REQUIRE_ALL=1 a skip is a failure that says why it was skipped; an expected failure stays one."""
    if report.skipped and os.environ.get("REQUIRE_ALL") == "1" and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        report.outcome = "failed"
        report.longrepr = f"{reason}\nREQUIRE_ALL=1 makes a skip a failure."
    return report


@pytest.fixture(scope="session")
def test_folder() -> Path:
    """A folder of this run; it goes when the run ends."""
    return Path(os.environ[FOLDER])


@pytest.fixture
def redis_url() -> str:
    """The address of the private Redis, for a test that speaks to it or starts Celery workers on it."""
    url = os.environ.get("REDIS_URL")
    if not url:
        pytest.skip(_not_installed.get("REDIS_URL", "needs Redis, which is not installed"))
    return url


@pytest.fixture
def private_kannel(tmp_path: Path) -> Generator[kannel.Kannel, None, None]:
    """A private Kannel for one test; its operator is not connected yet."""
    try:
        kannel.find_all()
    except NotInstalled as missing:
        pytest.skip(str(missing))
    with kannel.running(tmp_path) as running:
        yield running
