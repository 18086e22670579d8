"""Reads the environment, variable by variable; a bad value stops the start with a sentence that names the variable."""

import json
import os
import re
import secrets
import zoneinfo
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dj_database_url
from django.core.exceptions import ImproperlyConfigured

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise as StrOrPromise

KNOWN_SMS = {"SMS_PRICE", "SMS_SENDER", "SMS_GATEWAYS", "SMS_ROUTES", "SMS_NOTES", "SMS_DAILY_CAP"}
DATABASE_DOUBTS = ("fsync_off", "full_page_writes_off", "synchronous_commit_off", "asynchronous_standby")
SHORTEST_KEY = 32
UNITS = 10_000
SQLITE_START = (
    "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA recursive_triggers=ON; PRAGMA temp_store=MEMORY;"
)


def text(name: str, default: str = "") -> str:
    """Return the variable's value without surrounding blanks, or `default` where it is absent or empty."""
    return os.environ.get(name, "").strip() or default


def flag(name: str) -> bool:
    """Return whether the variable is on: 1, true, yes, on; off: absent, empty, 0, false, no, off."""
    value = text(name, "0").lower()
    if value in {"1", "true", "yes", "on"}:
        return True
    if value in {"0", "false", "no", "off"}:
        return False
    raise ImproperlyConfigured(f"{name} must be 1 or 0, not {value!r}.")


def number(name: str, default: int, *, at_least: int = 0) -> int:
    """Return the variable as a whole number of at least `at_least`."""
    value = text(name, str(default))
    if not re.fullmatch(r"\d{1,9}", value) or int(value) < at_least:
        raise ImproperlyConfigured(f"{name} must be a whole number of at least {at_least}, not {value!r}.")
    return int(value)


def words(name: str, default: str) -> list[str]:
    """Return the variable's comma-separated words."""
    return [word.strip() for word in text(name, default).split(",") if word.strip()]


def some_of(name: str, known: tuple[str, ...]) -> list[str]:
    """Return the variable's comma-separated words, each of them one of `known`."""
    given = words(name, "")
    unknown = [word for word in given if word not in known]
    if unknown:
        raise ImproperlyConfigured(f"{name} knows {', '.join(known)}; not {unknown[0]!r}.")
    return given


def money(name: str, default: str) -> int:
    """Return an amount such as 0.0950 in whole units of 1/10,000 of the currency."""
    value = text(name, default)
    try:
        units = Decimal(value) * UNITS
    except InvalidOperation:
        units = Decimal("NaN")
    if not units.is_finite() or units < 0 or units != int(units) or units > 10**9:
        raise ImproperlyConfigured(f"{name} must be an amount with up to four decimals, such as 0.0950, not {value!r}.")
    return int(units)


def top_up_amounts(name: str, default: str) -> list[int]:
    """Return the amounts that people may choose from, in units, each a whole number of the currency's smallest coin."""
    read = []
    for word in words(name, default):
        if not re.fullmatch(r"\d{1,5}(\.\d{1,2})?", word) or not Decimal(word):
            raise ImproperlyConfigured(f"{name} must be amounts apart by commas, such as 10,25,50, not {word!r}.")
        read.append(int(Decimal(word) * UNITS))
    return sorted(read)


def percent(name: str, default: str) -> int:
    """Return a rate such as 21 or 5.5 in 1/100 of a percent."""
    value = text(name, default)
    if not re.fullmatch(r"\d{1,2}(\.\d{1,2})?", value):
        raise ImproperlyConfigured(f"{name} must be a percentage below 100, such as 21, not {value!r}.")
    return int(Decimal(value) * 100)


def stripe_key(name: str, *, own_stripe: bool, demo: bool, default: str = "") -> str:
    """Return Stripe's secret key; a live one is refused in the demo, and where it would go to another than Stripe."""
    value = text(name, default)
    if value and not re.fullmatch(r"(sk|rk)_(test|live)_\w+", value):
        raise ImproperlyConfigured(f"{name} must begin with sk_test_, sk_live_, rk_test_ or rk_live_.")
    if "_live_" in value[:8] and demo:
        raise ImproperlyConfigured(f"{name} is a live key, and in the demo no card is charged. Use a test key.")
    if "_live_" in value[:8] and own_stripe:
        raise ImproperlyConfigured(f"{name} is a live key: with it, STRIPE_API_BASE must be left empty.")
    return value


def time_zone(name: str, default: str) -> str:
    """Return the name of an existing time zone (IANA)."""
    value = text(name, default)
    try:
        zoneinfo.ZoneInfo(value)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        raise ImproperlyConfigured(f"{name} must name a time zone such as Europe/Brussels, not {value!r}.") from None
    return value


def currency(name: str, default: str) -> str:
    """Return a currency's three letters (ISO 4217)."""
    value = text(name, default)
    if not re.fullmatch(r"[A-Z]{3}", value):
        raise ImproperlyConfigured(f"{name} must be three capital letters such as EUR, not {value!r}.")
    return value


def url(name: str, default: str, *, schemes: tuple[str, ...]) -> str:
    """Return an address without a closing slash, of one of `schemes`."""
    value = text(name, default)
    if value and not re.fullmatch(rf"({'|'.join(schemes)})://[^\s]+", value):
        raise ImproperlyConfigured(f"{name} must begin with {' or '.join(s + '://' for s in schemes)}, not {value!r}.")
    return value.rstrip("/")


def structure(name: str, default: Any) -> Any:
    """Return the variable read as JSON; it must have the shape of `default` (an object or a list)."""
    value = text(name)
    if not value:
        return default
    try:
        read = json.loads(value)
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} must be JSON: {error}.") from None
    if not isinstance(read, type(default)):
        kind = "an object" if isinstance(default, dict) else "a list"
        raise ImproperlyConfigured(f"{name} must be {kind} in JSON.")
    return read


def gateways(name: str, default: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the gateways by alias, each {"BACKEND": dotted path, "OPTIONS": {…}} and nothing else."""
    read: dict[str, dict[str, Any]] = structure(name, default)
    for alias, gateway in read.items():
        if not re.fullmatch(r"[a-z][a-z0-9_-]{0,31}", alias):
            raise ImproperlyConfigured(f"{name}: the alias {alias!r} must be small letters, digits, - or _.")
        if not isinstance(gateway, dict) or not isinstance(gateway.get("BACKEND"), str):
            raise ImproperlyConfigured(f"{name}['{alias}'] must be an object with a BACKEND.")
        unknown = set(gateway) - {"BACKEND", "OPTIONS"}
        if unknown:
            raise ImproperlyConfigured(f"{name}['{alias}'] has an unknown key: {sorted(unknown)[0]!r}.")
        if not isinstance(gateway.setdefault("OPTIONS", {}), dict):
            raise ImproperlyConfigured(f"{name}['{alias}']['OPTIONS'] must be an object.")
    return read


def routes(name: str, *, aliases: set[str]) -> list[dict[str, Any]]:
    """Return the routes, longest prefix first, each {"prefix": "+32", "gateways": [alias, …]} with known aliases."""
    read = structure(name, [])
    for route in read:
        if not isinstance(route, dict) or set(route) != {"prefix", "gateways"}:
            raise ImproperlyConfigured(f"{name}: each route must have a prefix and gateways, and nothing else.")
        if not isinstance(route["prefix"], str) or not re.fullmatch(r"\+\d{0,14}", route["prefix"]):
            raise ImproperlyConfigured(f"{name}: a prefix is + and digits, not {route['prefix']!r}.")
        if not isinstance(route["gateways"], list) or not route["gateways"]:
            raise ImproperlyConfigured(f"{name}: the route {route['prefix']} names no gateway.")
        unknown = [alias for alias in route["gateways"] if alias not in aliases]
        if unknown:
            raise ImproperlyConfigured(f"{name}: {unknown[0]!r} is not a gateway of SMS_GATEWAYS.")
    return sorted(read, key=lambda route: -len(route["prefix"]))


def notes(name: str, default: "dict[str, StrOrPromise]") -> "dict[str, StrOrPromise]":
    """Return what users should know of a country before they send, by the country's two letters."""
    read: dict[str, Any] = structure(name, {})
    if not read:
        return default
    for country, note in read.items():
        if not re.fullmatch(r"[A-Z]{2}", country) or not isinstance(note, str):
            raise ImproperlyConfigured(f"{name}: {country!r} must be two capital letters with a sentence.")
    return read


def refuse_unknown_sms_variables() -> None:
    """Refuse a variable that begins with SMS_ and means nothing here: most likely a typing error."""
    for name in sorted(os.environ):
        if name.startswith("SMS_") and name not in KNOWN_SMS:
            raise ImproperlyConfigured(
                f"{name} is not a setting of this office. Known: {', '.join(sorted(KNOWN_SMS))}."
            )


def database(address: str) -> dict[str, Any]:
    """Return Django's database settings for DATABASE_URL: PostgreSQL, or SQLite made safe for several processes.

    SQLite transactions are IMMEDIATE (select_for_update is nothing there), durable (synchronous FULL), and REPLACE
    fires triggers too (recursive_triggers).
    """
    try:
        read: dict[str, Any] = dict(dj_database_url.parse(address, conn_max_age=60, conn_health_checks=True))
    except (ValueError, KeyError, dj_database_url.ParseError, dj_database_url.UnknownSchemeError):
        read = {}
    if read.get("ENGINE") == "django.db.backends.sqlite3":
        read["OPTIONS"] = {"transaction_mode": "IMMEDIATE", "timeout": 20, "init_command": SQLITE_START}
    elif read.get("ENGINE") == "django.db.backends.postgresql":
        waits = "-c idle_in_transaction_session_timeout=60000 -c lock_timeout=20000"
        read["OPTIONS"] = {"connect_timeout": 5, "options": waits, **read.get("OPTIONS", {})}
    else:
        raise ImproperlyConfigured("DATABASE_URL must begin with postgresql:// or sqlite:///.")
    return read


def secret_key(name: str, *, folder: Path, embedded: bool) -> str:
    """Return the secret from the environment; on one machine with SQLite, one made once and kept in `folder`."""
    given = text(name)
    if given:
        return given
    if not embedded:
        raise ImproperlyConfigured(f"{name} is not set. With DATABASE_URL set, give it 50 or more random characters.")
    path = folder / "secret_key"
    if not path.exists():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = folder / f"secret_key.{os.getpid()}"
        fresh.touch(mode=0o600)
        fresh.write_text(secrets.token_urlsafe(50))
        try:
            os.link(fresh, path)
        except FileExistsError:
            pass  # another process was first: its key is the key
        finally:
            fresh.unlink()
    return path.read_text().strip()


def secret(name: str, *, at_least: int) -> str:
    """Return a secret of at least so many characters that can stand in a header, or "" where it is absent."""
    value = text(name)
    if value and not re.fullmatch(rf"[!-~]{{{at_least},200}}", value):  # never shown
        raise ImproperlyConfigured(f"{name} must be at least {at_least} letters, digits and signs, without a blank.")
    return value


def old_secret_keys(name: str) -> list[str]:
    """Return the earlier secrets, which still open what was made with them; each at least 32 characters."""
    given = words(name, "")
    if any(len(key) < SHORTEST_KEY for key in given):  # never shown: it is a secret
        raise ImproperlyConfigured(f"{name} must be earlier SECRET_KEYs, each of {SHORTEST_KEY} or more characters.")
    return given


def email(address: str) -> dict[str, Any]:
    """Return Django's e-mail settings for EMAIL_URL: smtp://user:password@host:port, smtps://, or console://."""
    if address.startswith("console:"):
        return {"EMAIL_BACKEND": "django.core.mail.backends.console.EmailBackend"}
    found = re.fullmatch(r"(smtp|smtps|smtp\+tls)://(?:([^:@/]+):([^@/]+)@)?([^:@/]+)(?::(\d+))?/?", address)
    if not found:
        raise ImproperlyConfigured("EMAIL_URL must be smtp://user:password@host:port, smtps://… or console://.")
    scheme, user, password, host, port = found.groups()
    return {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": host,
        "EMAIL_PORT": int(port or {"smtp": 25, "smtps": 465, "smtp+tls": 587}[scheme]),
        "EMAIL_HOST_USER": user or "",
        "EMAIL_HOST_PASSWORD": password or "",
        "EMAIL_USE_SSL": scheme == "smtps",
        "EMAIL_USE_TLS": scheme == "smtp+tls",
        "EMAIL_TIMEOUT": 10,
    }
