"""Whose receipts are believed: by a signature (HMAC, RFC 2104), by a secret that they bear, by name and password."""

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode

from sms.gateways.provider.options import Given
from sms.gateways.provider.places import Heard, outside, word
from sms.gateways.provider.requests import basic
from sms.gateways.provider.template import Scope

HASHES = {"sha1": hashlib.sha1, "sha256": hashlib.sha256, "sha512": hashlib.sha512}
ENCODINGS = ("hex", "base64")


@dataclass(frozen=True, slots=True)
class Brought:
    """A request of somebody who says that he is the provider."""

    headers: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes


Believes = Callable[[Brought], bool]


def sender(given: Given, scope: Scope, *, receipts_url: str) -> Believes:
    """Return how a request's sender is verified; raises BadOptions.

    `receipts_url` is our address as the provider knows it, which some sign too.
    """
    kind, how = given.one_of("hmac", "secret", "basic")
    if kind == "secret":
        return _bears_secret(how, scope)
    if kind == "basic":
        return _has_password(basic(how, scope))
    return _is_signed(how, scope, receipts_url=receipts_url)


def _bears_secret(given: Given, scope: Scope) -> Believes:
    entries = given.table(required=("at", "value"))
    at, value = outside(entries["at"]), scope.text(entries["value"])
    return lambda brought: _same(value, word(at, Heard(brought.headers, query=brought.query)))


def _has_password(expected: str) -> Believes:
    def believes(brought: Brought) -> bool:
        scheme, _space, credentials = brought.headers.get("Authorization", "").partition(" ")
        return scheme.lower() == "basic" and _same(expected.partition(" ")[2], credentials)

    return believes


def _is_signed(given: Given, scope: Scope, *, receipts_url: str) -> Believes:
    entries = given.table(required=("over", "header", "secret"), optional=("algorithm", "encoding", "prefix"))
    over = entries["over"].choice("body", "url_and_form")
    if over == "url_and_form" and not receipts_url:
        raise Given(("receipts_url",), None).bad("is missing: the signature of receipts is over it.")
    header, secret = entries["header"].header(), scope.text(entries["secret"]).encode()
    prefix = entries["prefix"].text() if "prefix" in entries else ""
    algorithm = HASHES[entries["algorithm"].choice(*HASHES) if "algorithm" in entries else "sha256"]
    encoding = entries["encoding"].choice(*ENCODINGS) if "encoding" in entries else "hex"

    def believes(brought: Brought) -> bool:
        signed = brought.body if over == "body" else _url_and_form(receipts_url, brought)
        digest = hmac.new(secret, signed, algorithm).digest()
        expected = digest.hex() if encoding == "hex" else base64.b64encode(digest).decode()
        return _same(prefix + expected, brought.headers.get(header, ""))

    return believes


def _url_and_form(url: str, brought: Brought) -> bytes:
    """Return the address with its query, then every field's name and value, sorted: nothing between them."""
    query = f"?{urlencode(brought.query)}" if brought.query else ""
    fields = sorted(set(parse_qsl(brought.body.decode(errors="replace"), keep_blank_values=True)))
    return f"{url}{query}{''.join(name + value for name, value in fields)}".encode(errors="replace")


def _same(expected: str, told: str) -> bool:
    return hmac.compare_digest(expected.encode(), told.encode(errors="replace"))
