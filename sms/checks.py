"""What must be true before this office serves: gateways that can be built, and a sender.

Registered with the tag "serving" and as deployment checks: `manage.py check --deploy` and every serving process run
them; `migrate`, `user` and `audit` do not, so that they work before a gateway is chosen.
"""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.core.exceptions import ImproperlyConfigured

from sms.gateways import configured

SERVING = "serving"


@register(SERVING, deploy=True)
def gateways_can_be_built(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Return an error (sms.E001), naming the setting, for each gateway of SMS_GATEWAYS that cannot be built."""
    problems: list[CheckMessage] = []
    for alias, given in settings.SMS_GATEWAYS.items():
        try:
            configured.build(alias, given)
        except ImproperlyConfigured as error:
            problems.append(Error(str(error), id="sms.E001"))
    return problems


@register(SERVING, deploy=True)
def there_is_something_to_send_by(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Return an error for an empty SMS_GATEWAYS (sms.E002) and an empty SMS_SENDER (sms.E003), outside the demo."""
    problems: list[CheckMessage] = []
    if not settings.DEMO and not settings.SMS_GATEWAYS:
        hint = 'Such as {"ours": {"BACKEND": "sms.gateways.phone.Phone", "OPTIONS": {}}}. README lists the adapters.'
        problems.append(Error("SMS_GATEWAYS is empty: there is nothing to send by.", hint=hint, id="sms.E002"))
    if not settings.DEMO and not settings.SMS_SENDER:
        hint = "Our number, such as +32 460 00 00 00, or a name of at most 11 letters."
        problems.append(Error("SMS_SENDER is empty: people could not tell who writes.", hint=hint, id="sms.E003"))
    return problems
