"""How the API says no, in one shape on every floor: {"detail", "code", "fields"} (CONTRACT.md, "API v1")."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rest_framework import serializers
from rest_framework.exceptions import APIException
from rest_framework.request import Request

from contacts.models import User

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise as StrOrPromise


class Refused(APIException):
    """The call was understood and not done; it becomes the answer with this HTTP status.

    `fields` holds sentences by the name of the field that they belong to, `more` what stands beside the usual three.
    """

    def __init__(
        self,
        status: int,
        code: str,
        detail: "StrOrPromise",
        *,
        fields: Mapping[str, Sequence["StrOrPromise"]] | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(str(detail), code)
        self.status_code = status
        self.fields, self.more = fields or {}, more or {}


class ErrorSerializer(serializers.Serializer[Any]):
    """Why a call was not done: a sentence for a person, a code for a program, and sentences by field."""

    detail = serializers.CharField(help_text="For a person, in the language of the token's user.")
    code = serializers.CharField(help_text="For a program; it does not change.")
    fields = serializers.DictField(  # type: ignore[assignment]  # the metaclass takes it out of the class
        child=serializers.ListField(child=serializers.CharField()),
        help_text="Sentences by the name of the field that they belong to; empty where none does.",
    )


def user_of(request: Request) -> User:
    """Return whose token came with the request; the default permission lets nobody else in."""
    assert isinstance(request.user, User)  # noqa: S101
    return request.user


def said_in(body: type[serializers.Serializer[Any]], request: Request, *, partial: bool = False) -> dict[str, Any]:
    """Return what the request says in the shape of `body`; what does not fit is answered with 400, field by field."""
    read = body(data=request.data, partial=partial)
    read.is_valid(raise_exception=True)
    said: dict[str, Any] = read.validated_data
    return said
