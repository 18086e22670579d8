"""Which errors of the database pass by themselves."""

import pytest
from django.db import DatabaseError, IntegrityError, InterfaceError, OperationalError, ProgrammingError

from contacts.outage import is_outage


@pytest.mark.parametrize("error", [OperationalError(), InterfaceError(), DatabaseError("server closed the connection")])
def test_a_server_that_is_away_comes_back(error):
    assert is_outage(error)


@pytest.mark.parametrize("error", [IntegrityError(), ProgrammingError(), ValueError(), None])
def test_what_is_wrong_stays_wrong(error):
    assert not is_outage(error)
