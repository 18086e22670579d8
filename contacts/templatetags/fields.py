"""A form's field on the page: its widget, with the focus where the first error is."""

from django import template
from django.forms import BoundField
from django.utils.safestring import SafeString

register = template.Library()


@register.filter
def widget(field: BoundField) -> SafeString:
    """Return the field's widget; the first one with an error takes the focus, also without JavaScript."""
    first_error = next((name for name in field.form.fields if name in field.form.errors), None)
    return field.as_widget(attrs={"autofocus": True} if field.name == first_error else {})
