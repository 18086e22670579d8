"""Events, signed and brought to the office, again until it takes them."""

import hashlib
import hmac
import json
import threading
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field

from office.stripe_double.records import Records

LOOK_EVERY = 0.2  # seconds
LONGEST_PAUSE = 60.0
TIMEOUT = 10.0
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # this machine, past any proxy
KEEP = 2_000  # events; older ones are forgotten


@dataclass
class Postman:
    """Brings the events of `records` to `address`, signed with `secret`."""

    records: Records
    address: str
    secret: str
    ending: threading.Event = field(default_factory=threading.Event)
    tries: dict[str, tuple[int, float]] = field(default_factory=dict)

    def run(self) -> None:
        """Bring events until we are asked to end."""
        while not self.ending.wait(LOOK_EVERY):
            self.round()

    def round(self) -> None:
        """Bring each event whose turn it is, once."""
        with self.records.lock:
            waiting = [dict(event) for event in self.records.events.values() if event["pending_webhooks"]]
        for event in waiting:
            failed, after = self.tries.get(event["id"], (0, 0.0))
            if time.monotonic() >= after:
                self._bring(event, failed)

    def _bring(self, event: dict[str, object], failed: int) -> None:
        key = str(event["id"])
        if self._taken(json.dumps(event).encode()):
            with self.records.lock:
                self.records.events[key]["pending_webhooks"] = 0
                for old in list(self.records.events)[:-KEEP]:
                    del self.records.events[old]
                self.records.save()
            self.tries.pop(key, None)
        else:
            self.tries[key] = (failed + 1, time.monotonic() + min(2.0**failed, LONGEST_PAUSE))

    def _taken(self, body: bytes) -> bool:
        headers = {"Content-Type": "application/json", "Stripe-Signature": signature(body, self.secret)}
        request = urllib.request.Request(self.address, body, headers)  # noqa: S310  the office's own address
        try:
            with DIRECT.open(request, timeout=TIMEOUT) as answered:
                return bool(200 <= answered.status < 300)
        except (OSError, urllib.error.URLError):
            return False


def signature(body: bytes, secret: str, *, at: int | None = None) -> str:
    """Return the header that proves where an event comes from and when: HMAC-SHA256 over the time and the body."""
    moment = int(time.time()) if at is None else at
    digest = hmac.new(secret.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={moment},v1={digest}"
