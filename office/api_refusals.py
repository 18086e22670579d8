"""Every refusal of the API in one shape: {"detail", "code", "fields"} (CONTRACT.md, "API v1")."""

from collections.abc import Iterator, Mapping
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.http import Http404
from django.utils.translation import gettext_lazy as _
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.settings import api_settings
from rest_framework.views import exception_handler

SENTENCES = {
    "away": _(
        "The office cannot reach its database. Make the same call again in a moment, with the same Idempotency-Key."
    ),
    "authentication_failed": _("This token is not known here. It may have been taken back."),
    "error": _("Something failed on our side. The call may be made again, with the same Idempotency-Key."),
    "invalid": _("Something in this call is not right; “fields” says what. Nothing was done."),
    "method_not_allowed": _("This address does not take this verb."),
    "not_acceptable": _("Answers are given as application/json."),
    "not_authenticated": _("This call needs a token: send the header “Authorization: Token …”."),
    "not_found": _("There is nothing here."),
    "parse_error": _("The body of this call could not be read as JSON."),
    "permission_denied": _("This token's user may not do this."),
    "throttled": _("Too many calls in one minute. Wait a moment; the header Retry-After says how long."),
    "too_large": _("The body of this call is too large."),
    "unsupported_media_type": _("The body of this call must be application/json."),
}


class TooLarge(exceptions.APIException):
    """The body is larger than DATA_UPLOAD_MAX_MEMORY_SIZE."""

    status_code = 413
    default_code = "too_large"


def answer(exc: Exception, context: dict[str, Any]) -> Response | None:
    """Return the answer to a call that ended in `exc`; None (a failure of ours) goes on to `office.failures`."""
    exc = TooLarge() if isinstance(exc, RequestDataTooBig) else exc
    response = exception_handler(exc, context)
    if response is not None:
        response.data = _body(exc)
    return response


def _body(exc: Exception) -> dict[str, Any]:
    if isinstance(exc, exceptions.ValidationError):
        return _invalid(exc.detail)
    code = _code(exc)
    detail = SENTENCES.get(code, getattr(exc, "detail", ""))
    return {"detail": str(detail), "code": code, "fields": getattr(exc, "fields", {})} | getattr(exc, "more", {})


def _code(exc: Exception) -> str:
    if isinstance(exc, Http404):
        return "not_found"
    if isinstance(exc, PermissionDenied):
        return "permission_denied"
    code = exc.get_codes() if isinstance(exc, exceptions.APIException) else ""
    return code if isinstance(code, str) else "invalid"


def _invalid(detail: Any) -> dict[str, Any]:
    """Return what the fields say; what belongs to none of them (a body that is no object) is said for all."""
    said = detail if isinstance(detail, Mapping) else {api_settings.NON_FIELD_ERRORS_KEY: detail}
    fields = {str(name): list(_sentences(each)) for name, each in said.items()}
    whole = fields.pop(api_settings.NON_FIELD_ERRORS_KEY, [])
    return {"detail": " ".join(whole) or str(SENTENCES["invalid"]), "code": "invalid", "fields": fields}


def _sentences(said: Any) -> Iterator[str]:
    if isinstance(said, Mapping):
        said = said.values()
    if isinstance(said, str):
        yield str(said)
    else:
        for each in said:
            yield from _sentences(each)
