"""Language and time zone of the person who asks: from the personal record, else as the browser and the office say."""

from collections.abc import Callable
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse
from django.utils import timezone, translation

from contacts.models import User


class PersonalSettingsMiddleware:
    """Puts each request in the signed-in user's language and zone; stands after authentication.

    The zone is left on while a streamed answer is still being written; each request sets its own first.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if isinstance(request.user, User):
            translation.activate(request.user.language)
            request.LANGUAGE_CODE = translation.get_language()
            timezone.activate(ZoneInfo(request.user.zone_name))
        else:
            timezone.deactivate()
        response = self.get_response(request)
        if not response.streaming:
            timezone.deactivate()
        return response
