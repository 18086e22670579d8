"""The way back that a message offers: which form undoes what it tells."""

from dataclasses import dataclass

from django import template
from django.contrib.messages.storage.base import Message
from django.urls import reverse

register = template.Library()


@dataclass(frozen=True, slots=True)
class WayBack:
    """A form that posts `value` as `name` to `url`."""

    url: str
    name: str
    value: str


@register.filter
def way_back(message: Message) -> WayBack | None:
    """Return what undoes the thing that `message` tells, from its extra tags; None where nothing does."""
    what, _sep, which = (message.extra_tags or "").partition(" ")
    if what == "undo":
        return WayBack(reverse("contacts:restore"), "deleted_at", which)
    if what == "undo_list":
        return WayBack(reverse("contacts:list", args=[which]), "press", "restore")
    if what == "undo_repair":
        return WayBack(reverse("contacts:undo", args=[which]), "press", "undo")
    return None
