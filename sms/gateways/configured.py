"""The gateways of this office: built from SMS_GATEWAYS once per process, chosen by SMS_ROUTES."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import MISSING, Field, fields, is_dataclass
from functools import cache
from threading import Lock
from types import NoneType, UnionType
from typing import Any, NamedTuple, Union, cast, get_args, get_origin, get_type_hints

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.utils.module_loading import import_string

from sms.gateways.contract import BadOptions, Gateway

KINDS = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}
WIDEST_WINDOW = 1_000
_building = Lock()


class NoSuchGateway(LookupError):
    """An alias that is not, or no longer, in SMS_GATEWAYS."""


class NoGateway(Exception):
    """SMS_GATEWAYS is empty: there is nothing to send by."""


class Routes(NamedTuple):
    """Gateways by prefix, the lengths of the prefixes from long to short, and the gateways for all other numbers."""

    by_prefix: Mapping[str, tuple[str, ...]]
    lengths: tuple[int, ...]
    rest: tuple[str, ...]


def aliases() -> tuple[str, ...]:
    """Return the aliases of SMS_GATEWAYS in their order."""
    return tuple(settings.SMS_GATEWAYS)


def gateway(alias: str) -> Gateway:
    """Return the adapter of `alias`, the same object at each call; raises NoSuchGateway, ImproperlyConfigured."""
    try:
        return _gateways()[alias]
    except KeyError:
        raise NoSuchGateway(alias) from None


def routes_for(number: str) -> tuple[str, ...]:
    """Return the aliases to try for an E.164 number, in order: those of the longest fitting prefix, else all."""
    routes = _routes()
    for length in routes.lengths:
        found = routes.by_prefix.get(number[:length])
        if found:
            return found
    return routes.rest


def first_route(number: str) -> str:
    """Return the alias to try first for an E.164 number; raises NoGateway."""
    return first_routes([number])[0]


def first_routes(numbers: Sequence[str]) -> list[str]:
    """Return the alias to try first for each E.164 number, in order; raises NoGateway. Fit for lists of 10,000."""
    routes = _routes()
    if not routes.rest:
        raise NoGateway("SMS_GATEWAYS names no gateway.")
    if not routes.lengths:
        return [routes.rest[0]] * len(numbers)
    return [routes_for(number)[0] for number in numbers]


def fallbacks(alias: str, *, without: Collection[str]) -> list[tuple[str, str]]:
    """Return (prefix, alias to go to from `alias`) for each route, longest prefix first; "" where there is none."""
    routes = _routes()
    prefixes = sorted(routes.by_prefix, key=len, reverse=True)
    found = [(prefix, routes.by_prefix[prefix]) for prefix in prefixes] + [("+", routes.rest)]
    return [(prefix, _after(alias, route, without=without)) for prefix, route in found]


def _after(alias: str, route: tuple[str, ...], *, without: Collection[str]) -> str:
    later = route[route.index(alias) + 1 :] if alias in route else ()
    return next((each for each in later if each not in without), "")


def build(alias: str, given: Mapping[str, Any]) -> Gateway:
    """Return the adapter that `given` ({"BACKEND": dotted path, "OPTIONS": {…}}) describes.

    Raises ImproperlyConfigured with a sentence that names the settings path, never a value: it may be a secret.
    """
    where = f"SMS_GATEWAYS['{alias}']"
    adapter = _adapter(given["BACKEND"], where=where)
    options = _with_receipts_url(adapter, given.get("OPTIONS", {}), alias=alias)
    _check_options(adapter, options, where=f"{where}['OPTIONS']")
    try:
        built = cast(Gateway, adapter(**options))
        _check_pace(built)
    except BadOptions as error:
        raise ImproperlyConfigured(f"{where}['OPTIONS']['{error.option}'] {error.problem}") from error
    return built


@cache
def _gateways() -> Mapping[str, Gateway]:
    with _building:
        return {alias: build(alias, given) for alias, given in settings.SMS_GATEWAYS.items()}


@cache
def _routes() -> Routes:
    by_prefix = {route["prefix"]: tuple(route["gateways"]) for route in settings.SMS_ROUTES}
    lengths = tuple(sorted({len(prefix) for prefix in by_prefix}, reverse=True))
    return Routes(by_prefix, lengths, aliases())


def _forget(*, setting: str, **_kwargs: object) -> None:
    """Build anew after a test has changed the settings."""
    if setting in {"SMS_GATEWAYS", "SMS_ROUTES", "SECRET_KEY", "BASE_URL"}:
        _gateways.cache_clear()
        _routes.cache_clear()


setting_changed.connect(_forget)


def _adapter(path: str, *, where: str) -> type[Any]:
    """Return the adapter class at a dotted path."""
    try:
        adapter = import_string(path)
    except Exception as error:
        raise ImproperlyConfigured(f"{where}['BACKEND'] {path!r} cannot be imported: {error}.") from error
    if not isinstance(adapter, type) or not is_dataclass(adapter):
        raise ImproperlyConfigured(f"{where}['BACKEND'] {path!r} is not a gateway adapter.")
    return adapter


def _with_receipts_url(adapter: type[Any], options: Mapping[str, Any], *, alias: str) -> Mapping[str, Any]:
    """Tell an adapter that asks for it (`receipts_url`) where its receipts come in, unless OPTIONS say otherwise."""
    if all(field.name != "receipts_url" for field in fields(adapter)):
        return options
    return {"receipts_url": f"{settings.BASE_URL}/receipts/{alias}/", **options}


def _check_options(adapter: type[Any], options: Mapping[str, Any], *, where: str) -> None:
    """Refuse an option that the adapter does not know, lacks, or cannot take."""
    known = {field.name: field for field in fields(adapter) if field.init}
    for name in options:
        if name not in known:
            raise ImproperlyConfigured(
                f"{where}['{name}'] is not an option of {adapter.__name__}. Known: {', '.join(known)}."
            )
    for name, field in known.items():
        if name not in options and _is_required(field):
            raise ImproperlyConfigured(f"{where}['{name}'] is missing.")
    hints = get_type_hints(adapter)
    for name, value in options.items():
        if not _fits(value, hints[name]):
            raise ImproperlyConfigured(f"{where}['{name}'] must be {_words(hints[name])}.")


def _is_required(field: "Field[Any]") -> bool:
    return field.default is MISSING and field.default_factory is MISSING


def _kinds(hint: Any) -> tuple[Any, ...]:
    return get_args(hint) if get_origin(hint) in {Union, UnionType} else (hint,)


def _fits(value: object, hint: Any) -> bool:
    """Return whether `value` is of the plain kinds that `hint` allows; richer hints are the adapter's own to check."""
    kinds = _kinds(hint)
    if not all(kind in KINDS or kind is NoneType for kind in kinds):
        return True
    if isinstance(value, bool):
        return bool in kinds
    return isinstance(value, kinds) or (isinstance(value, int) and float in kinds)


def _words(hint: Any) -> str:
    return " or ".join(KINDS.get(kind, "null") for kind in _kinds(hint))


def _check_pace(built: Gateway) -> None:
    if not 1 <= built.window <= WIDEST_WINDOW:
        raise BadOptions("window", f"must be from 1 to {WIDEST_WINDOW}.")
    if built.rate is not None and not (built.rate > 0 and math.isfinite(built.rate)):
        raise BadOptions("rate", "must be more than 0.")
