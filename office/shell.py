"""What stands round every page: the tools, the credit as a small figure, and how many notices wait."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from contacts import clock
from contacts.models import User
from contacts.notices import unseen
from credit.allowance import standing
from office.obstacles import Obstacle, obstacles


@dataclass(frozen=True)
class Tool:
    """One entry of the tools; `current` is "page", "true" (inside the tool) or "", as in aria-current."""

    label: str
    icon: str
    url: str
    current: str
    key: str = ""


@dataclass(frozen=True)
class Credit:
    """What can be spent now: parts of the allowance, balance in units, and whether both together run out."""

    available: int
    balance: int
    low: bool


class Shell:
    """The shell of one request; each figure is looked up when a template first asks."""

    def __init__(self, request: HttpRequest, user: User) -> None:
        self.request = request
        self.user = user

    @cached_property
    def tools(self) -> list[Tool]:
        return [self._tool(*entry) for entry in self._entries()]

    def _entries(self) -> Iterator[tuple[str, str, str, str]]:
        yield _("Welcome"), "house", reverse("welcome"), ""
        yield _("SMS"), "message-square-text", reverse("sms:compose"), "n"
        yield _("Contacts"), "book-user", reverse("contacts:book"), ""
        yield _("History"), "history", reverse("sms:history"), ""
        yield _("Settings"), "settings", reverse("personal_record"), ""
        if settings.DEMO:
            yield _("Handset"), "smartphone", reverse("handset"), ""

    def _tool(self, label: str, icon: str, url: str, key: str) -> Tool:
        return Tool(label, icon, url, self._current(url), key)

    def _current(self, url: str) -> str:
        path = self.request.path
        if path == url:
            return "page"
        inside = path.startswith(url) and url not in (reverse("welcome"), reverse("sms:compose"))
        return "true" if inside else ""

    @cached_property
    def credit(self) -> Credit:
        has = standing(self.user, now=clock.now())
        return Credit(has.available, has.balance, has.runs_low)

    @cached_property
    def obstacles(self) -> list[Obstacle]:
        """What keeps SMS from the office from reaching the user, wherever a page says it."""
        return obstacles(self.user, now=clock.now())

    @cached_property
    def notices(self) -> int:
        return unseen(self.user).count()


def shell(request: HttpRequest) -> dict[str, Any]:
    """Return the context of `base.html`: the office's name, whether it is the demo, the shell of who is signed in."""
    context: dict[str, Any] = {"office_name": settings.OFFICE_NAME, "demo": settings.DEMO}
    user = getattr(request, "user", None)  # absent where the request failed before it was known who asks
    if isinstance(user, User):
        context["shell"] = Shell(request, user)
    return context
