"""An office beside an asynchronous standby serves only where that is allowed by name. `make chaos` R6 shows real ones."""

from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, connection

from office import standbys


@pytest.fixture
def lagging(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "vendor", "postgresql")
    monkeypatch.setattr(standbys, "asynchronous", lambda: {"heir"})


def test_it_is_refused_by_its_name(lagging: None) -> None:
    with pytest.raises(ImproperlyConfigured, match="'heir'"):
        standbys.require_synchronous()


def test_it_may_be_allowed_by_its_name(lagging: None, settings: Any) -> None:
    settings.ASYNC_STANDBYS = ["heir"]
    standbys.require_synchronous()
    settings.ASYNC_STANDBYS = ["another"]
    with pytest.raises(ImproperlyConfigured):
        standbys.require_synchronous()


def test_a_database_that_is_away_refuses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> set[str]:
        raise DatabaseError

    monkeypatch.setattr(connection, "vendor", "postgresql")
    monkeypatch.setattr(standbys, "asynchronous", away)
    standbys.require_synchronous()


@pytest.mark.django_db
def test_a_server_without_standbys_has_none_that_lag() -> None:
    assert standbys.asynchronous() == set()
