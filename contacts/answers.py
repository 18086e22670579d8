"""What every view needs of a request, and how it answers."""

from django.http import HttpRequest, HttpResponse
from django_htmx.http import HttpResponseClientRedirect
from django_htmx.middleware import HtmxDetails

from contacts.models import User


def signed_in(request: HttpRequest) -> User:
    """Return the user of a request that `login_required` has let in."""
    assert isinstance(request.user, User)  # noqa: S101  the decorator lets nobody else in
    return request.user


def wants_fragment(request: HttpRequest) -> bool:
    """Return whether htmx asks for a part of the page."""
    htmx: HtmxDetails | None = getattr(request, "htmx", None)
    return htmx is not None and bool(htmx) and not htmx.boosted


def go_to(request: HttpRequest, address: str) -> HttpResponse:
    """Return the answer to a POST that leads on to `address`: 303 (RFC 9110, 15.4.4), or htmx's own header."""
    if wants_fragment(request):
        return HttpResponseClientRedirect(address)
    return HttpResponse(status=303, headers={"Location": address})
