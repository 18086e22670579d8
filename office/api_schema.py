"""The description of the API (OpenAPI 3), made from the views: what each call takes, gives, and may be refused with."""

from functools import cache
from typing import Any

from django.utils import translation
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema

from contacts.api import ErrorSerializer

WITH_BODY = ("POST", "PUT", "PATCH")


class Description(AutoSchema):
    """Adds to each call the refusals that need no word of its view."""

    def get_operation(self, *args: Any, **kwargs: Any) -> Any:
        """Return the description of one call, refusals included."""
        operation = super().get_operation(*args, **kwargs)
        if operation:
            error = self.resolve_serializer(ErrorSerializer, "response").ref
            for status in self._refusals():
                refusal = {"content": {"application/json": {"schema": error}}, "description": ""}
                operation["responses"].setdefault(str(status), refusal)
        return operation

    def _refusals(self) -> list[int]:
        """Return the statuses with which this call may be refused before its view says a word."""
        has_object = "{" in self.path
        takes_query = self.method == "GET" and self._is_list_view()
        takes_body = self.method in WITH_BODY and self.get_request_serializer() is not None
        found = {
            401: True,
            404: has_object or self._is_list_view(),
            429: True,
            400: takes_body or takes_query,
            413: takes_body,
            415: takes_body,
        }
        return [status for status, may_be in found.items() if may_be]


@cache
def schema() -> dict[str, Any]:
    """Return the whole description, made once per process, in English: it is for programs and their writers."""
    with translation.override("en"):
        described: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return described
