"""Pages of the API: {"count", "next", "previous", "results"}, found by key however far they are."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Field, Model, Q
from django.utils.translation import gettext as _
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from contacts.api import Refused

CURSOR = "cursor"


@dataclass(frozen=True, slots=True)
class Place:
    """The row that a page begins behind, by its values in the order of the list, and the direction to read in."""

    values: tuple[Any, ...]
    back: bool


class Pages(BasePagination):
    """Pages in the `ordering` of the view, `page_size` each. The last name of an ordering must be unique."""

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        """Return the page that `cursor` names, or the first one; raises `Refused` where it names none."""
        self.count = queryset.count()
        self.address, self.ordering = request.build_absolute_uri(), view.ordering
        place = _place(request.query_params.get(CURSOR), queryset.model, view.ordering)
        back = place is not None and place.back
        ordering = [_reversed(name) for name in view.ordering] if back else view.ordering
        behind = _behind(ordering, place.values) if place else Q()
        rows = list(queryset.filter(behind).order_by(*ordering)[: view.page_size + 1])
        further, shown = len(rows) > view.page_size, rows[: view.page_size]
        if back:
            shown.reverse()
        self.next = self._link(shown[-1], back=False) if shown and (further or back) else None
        self.previous = self._link(shown[0], back=True) if shown and (further if back else place) else None
        return shown

    def get_paginated_response(self, data: Any) -> Response:
        """Return the page with its neighbours."""
        return Response({"count": self.count, "next": self.next, "previous": self.previous, "results": data})

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        """Return the shape of a page whose `results` have this one."""
        link = {"type": "string", "format": "uri", "nullable": True}
        shape = {"count": {"type": "integer"}, "next": link, "previous": link, "results": schema}
        return {"type": "object", "required": list(shape), "properties": shape}

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        """Return the parameter that names a page."""
        told = "From `next` or `previous`."
        return [{"name": CURSOR, "in": "query", "required": False, "description": told, "schema": {"type": "string"}}]

    def _link(self, row: Model, *, back: bool) -> str:
        names = [name.removeprefix("-") for name in self.ordering]
        values = [_column(type(row), name).value_to_string(row) for name in names]
        cursor = urlsafe_b64encode(json.dumps([back, *values]).encode()).decode()
        return replace_query_param(self.address, CURSOR, cursor)


def _place(cursor: str | None, model: type[Model], ordering: Sequence[str]) -> Place | None:
    if not cursor:
        return None
    try:
        back, *values = json.loads(urlsafe_b64decode(cursor.encode()))
        read = tuple(_value(model, name, value) for name, value in zip(ordering, values, strict=True))
        return Place(read, back is True)
    except (ValueError, TypeError, OverflowError, RecursionError, ValidationError):
        told = _("This is no cursor of this list.")
        raise Refused(404, "no_such_page", told, fields={CURSOR: [told]}) from None


def _value(model: type[Model], name: str, said: Any) -> Any:
    if not isinstance(said, str):
        raise TypeError
    value = _column(model, name.removeprefix("-")).to_python(said)
    return value.astimezone(UTC) if isinstance(value, datetime) else value


def _column(model: type[Model], name: str) -> "Field[Any, Any]":
    found = model._meta.get_field(name)
    assert isinstance(found, Field)  # noqa: S101  a list is not ordered by a relation
    return found


def _behind(ordering: Sequence[str], values: Sequence[Any]) -> Q:
    """Return what comes behind the row with these values: bounded by the first one, which has an index."""
    names = [name.removeprefix("-") for name in ordering]
    sides = ["lt" if name.startswith("-") else "gt" for name in ordering]
    found = Q()
    for place in range(len(names)):
        same = dict(zip(names[:place], values[:place], strict=True))
        found |= Q(**same, **{f"{names[place]}__{sides[place]}": values[place]})
    return Q(**{f"{names[0]}__{sides[0]}e": values[0]}) & found


def _reversed(name: str) -> str:
    return name[1:] if name.startswith("-") else f"-{name}"
