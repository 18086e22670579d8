"""Words in a row, as a sentence holds them."""

from collections.abc import Sequence

from django import template
from django.utils.translation import gettext as _

register = template.Library()


@register.filter
def joined_and(words: Sequence[str]) -> str:
    """Return `Team`, `Team and Board`, `Team, Board and Choir`, in the reader's language."""
    if len(words) < 2:
        return "".join(words)
    return _("%(first)s and %(last)s") % {"first": ", ".join(words[:-1]), "last": words[-1]}
