"""Stripe, played by the double in this process."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from office.stripe_double.server import Double, Place

KEY = "sk_test_double"


@pytest.fixture
def double(settings: Any) -> Iterator[Double]:
    """A double that brings no events by itself."""
    started = Double(Place(host="127.0.0.1", port=0, key=KEY, webhook="", secret="whsec_test"))
    thread = threading.Thread(target=started.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    settings.STRIPE_SECRET_KEY, settings.STRIPE_WEBHOOK_SECRET = KEY, "whsec_test"
    settings.STRIPE_API_BASE = started.address
    yield started
    started.close()
    thread.join()
