"""The double's process: calls of the office under /v1/, pages for people, events to the office."""

import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from office.stripe_double import calls, pages
from office.stripe_double.events import Postman
from office.stripe_double.records import Records

LONGEST_BODY = 100_000


class LiveKey(Exception):
    """The double is asked to stand in for Stripe with a key that charges cards."""


@dataclass(frozen=True)
class Place:
    """Where the double listens, which key it takes, where its events go (nowhere without `webhook`), who signs them."""

    host: str
    port: int
    key: str
    webhook: str
    secret: str
    file: Path | None = None


@dataclass
class Double:
    """A started double. Raises LiveKey, or OSError where the port is taken."""

    place: Place
    records: Records = field(init=False)
    server: ThreadingHTTPServer = field(init=False)
    postman: Postman = field(init=False)

    def __post_init__(self) -> None:
        if "_live_" in self.place.key[:8]:
            raise LiveKey
        self.records = Records(self.place.file)
        self.postman = Postman(self.records, self.place.webhook, self.place.secret)
        self.server = ThreadingHTTPServer(
            (self.place.host, self.place.port), type("Handler", (Handler,), {"double": self})
        )

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"http://{self.place.host}:{self.server.server_port}"

    def serve(self) -> None:
        """Serve until the process ends."""
        if self.place.webhook:
            threading.Thread(target=self.postman.run, daemon=True).start()
        self.server.serve_forever()

    def close(self) -> None:
        """Stop serving."""
        self.postman.ending.set()
        self.server.shutdown()
        self.server.server_close()


class Handler(BaseHTTPRequestHandler):
    """One request; `double` is set in the class that a started double makes of this one."""

    double: Double

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if path == "/style.css":
            self._say(200, pages.STYLE, "text/css")
        elif path.startswith("/v1/"):
            self._call("GET", urlsplit(self.path).query)
        else:
            self._page(pages.show(self.double.records, path))

    def do_POST(self) -> None:
        length = min(int(self.headers.get("Content-Length") or 0), LONGEST_BODY)
        sent = self.rfile.read(length).decode(errors="replace")
        if self.path.startswith("/v1/"):
            self._call("POST", sent)
        else:
            pressed = parse_qs(sent).get("press", [""])[0]
            self._page(pages.press(self.double.records, urlsplit(self.path).path, pressed))

    def _call(self, verb: str, sent: str) -> None:
        bearer = self.headers.get("Authorization", "").removeprefix("Bearer ")
        key = self.headers.get("Idempotency-Key", "")
        call = calls.Call(verb, urlsplit(self.path).path, sent, bearer, key)
        found = calls.answer(self.double.records, call, key=self.double.place.key, pages=self.double.address)
        replayed = {"Idempotent-Replayed": "true"} if found.replayed else {}
        self._say(found.status, json.dumps(found.body), "application/json", **replayed)

    def _page(self, page: pages.Page) -> None:
        moved = {"Location": page.location} if page.location else {}
        self._say(page.status, page.html, "text/html", **moved)

    def _say(self, status: int, text: str, kind: str, **headers: str) -> None:
        body = text.encode()
        self.send_response(status)
        said = {"Content-Type": f"{kind}; charset=utf-8", "Content-Length": str(len(body)), **headers}
        said |= {"Content-Security-Policy": "default-src 'self'", "Cache-Control": "no-store"}
        for name, value in said.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Keep no log of who paid what."""
