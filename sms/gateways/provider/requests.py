"""What goes out to a provider without code: address, headers and body, filled for one message."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from sms.gateways.http import Call
from sms.gateways.provider.options import Given
from sms.gateways.provider.template import Scope, Template, filled

REQUEST = ("method", "headers", "body")
TYPES = {"json": "application/json", "form": "application/x-www-form-urlencoded"}


@dataclass(frozen=True, slots=True)
class Request:
    """A request with placeholders. `kind` is what `body` becomes: "json", "form", "query" (in the address) or ""."""

    url: Template
    method: str
    headers: Mapping[str, Template]
    kind: str
    body: Any

    def call(self, said: Mapping[str, Any]) -> Call:
        """Return the call for what is `said`; raises ValueError where a header would hold a line break."""
        url = self.url.fill(said, _for_address)
        headers = {name: _header(template.fill(said)) for name, template in self.headers.items()}
        if self.kind == "query":
            url += ("&" if "?" in url else "?") + self._form(said)
        elif self.kind:
            headers = {"Content-Type": TYPES[self.kind], **headers}
        return Call(self._body(said), headers, self.method, url)

    def _form(self, said: Mapping[str, Any]) -> str:
        return urlencode({name: template.fill(said) for name, template in self.body.items()})

    def _body(self, said: Mapping[str, Any]) -> bytes:
        if self.kind == "json":
            return json.dumps(filled(self.body, said)).encode()
        return self._form(said).encode() if self.kind == "form" else b""


def request(given: Mapping[str, Given], scope: Scope, *, auth: Mapping[str, Template], method: str) -> Request:
    """Return the request that `url` and REQUEST of OPTIONS describe; `method` where none is given.

    Raises BadOptions.
    """
    if "method" in given:
        method = given["method"].choice("POST", "PUT", "GET")
    kind, body = _body(given["body"], scope) if "body" in given else ("", None)
    if method == "GET" and kind in TYPES:
        raise given["body"].bad("must be a query, because GET has no body.")
    return Request(_url(given["url"], scope), method, {**auth, **_headers(given, scope)}, kind, body)


def authorization(given: Given, scope: Scope) -> dict[str, Template]:
    """Return the header by which a provider knows us: basic (RFC 7617), bearer (RFC 6750) or its own.

    Raises BadOptions.
    """
    kind, auth = given.one_of("basic", "bearer", "header")
    if kind == "bearer":
        return {"Authorization": _constant(f"Bearer {scope.text(auth)}")}
    if kind == "basic":
        return {"Authorization": _constant(basic(auth, scope))}
    own = auth.table(required=("name", "value"))
    return {own["name"].header(): _constant(scope.text(own["value"]))}


def basic(given: Given, scope: Scope) -> str:
    """Return the header's value for the user name and password of OPTIONS; raises BadOptions."""
    pair = given.table(required=("username", "password"))
    username, password = (scope.text(pair[name]) for name in ("username", "password"))
    return f"Basic {base64.b64encode(f'{username}:{password}'.encode()).decode()}"


def _url(given: Given, scope: Scope) -> Template:
    template = scope.template(given)
    Given(given.path, str(template)).address()
    return template


def _headers(given: Mapping[str, Given], scope: Scope) -> dict[str, Template]:
    headers = given["headers"].entries() if "headers" in given else {}
    return {Given(entry.path, name).header(): scope.template(entry) for name, entry in headers.items()}


def _body(given: Given, scope: Scope) -> tuple[str, Any]:
    kind, body = given.one_of("json", "form", "query")
    if kind == "json":
        return kind, scope.structure(body)
    return kind, {name: scope.template(entry) for name, entry in body.entries().items()}


def _constant(text: str) -> Template:
    return Template(((text, ""),))


def _for_address(text: str) -> str:
    return quote(text, safe="")


def _header(text: str) -> str:
    if not text.isprintable():
        raise ValueError("a header of more than one line")
    return text
