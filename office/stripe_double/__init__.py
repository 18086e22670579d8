"""A double of Stripe for the demo and the tests: a process of its own behind STRIPE_API_BASE. No card is ever charged.

`records` holds what Stripe would hold, `calls` answers the office's calls, `pages` shows the payment page, `events`
brings signed events until they are taken, `server` is the process. Written from the public description of Stripe's API.
"""

import hashlib

FURTHER = 10_000  # the demo's double listens at the office's port and this


def address(port: int) -> str:
    """Return where the demo's double listens, of an office at `port`."""
    return f"http://127.0.0.1:{port + FURTHER if port + FURTHER < 65_536 else port - FURTHER}"


def secret_key(seed: str) -> str:
    """Return the demo's key: like one of Stripe's test mode, and of this installation only."""
    return f"sk_test_double{_digest(seed, 'key')}"


def webhook_secret(seed: str) -> str:
    """Return what the demo's events are signed with."""
    return f"whsec_{_digest(seed, 'webhook')}"


def _digest(seed: str, what: str) -> str:
    return hashlib.sha256(f"stripe double:{what}:{seed}".encode()).hexdigest()[:32]
