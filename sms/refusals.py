"""Why an SMS on the form was not accepted, in words, with what to do about it (S12)."""

from dataclasses import dataclass

from django.urls import reverse
from django.utils.translation import gettext as _

from contacts.templatetags.figures import country_name
from credit.limit_words import said
from sms import submission
from sms.forms import ComposeForm
from sms.gateways.configured import NoGateway
from sms.models import Message


@dataclass(frozen=True, slots=True)
class Trouble:
    """What stands in the way: a sentence, and a link with the words on it where one helps."""

    text: str
    link: str = ""
    link_text: str = ""


def trouble_of(why: submission.NotAccepted | NoGateway, form: ComposeForm | None = None) -> Trouble:
    """Return the words for `why` the SMS (on `form`) was not accepted; raises it again where it has none."""
    if isinstance(why, submission.NotEnough):
        return Trouble(_("Nothing was sent and nothing was paid: your credit is too low."))
    if isinstance(why, submission.PriceChanged):
        text = _("The price or your credit changed meanwhile. Nothing was sent. Look at the new cost and press Send.")
        return Trouble(text)
    if form and isinstance(why, submission.KeyReused):
        return _sent_before(form)
    if isinstance(why, submission.MayNotSend):
        return Trouble(_("You cannot send SMS at the moment. Ask whoever runs this office."))
    if isinstance(why, NoGateway):
        text = _("This office has no gateway to send SMS by yet. Nothing was sent. Ask whoever runs this office.")
        return Trouble(text)
    return _of_limits(why, form) or _raise(why)


def _raise(why: Exception) -> Trouble:
    raise why


def _of_limits(why: submission.NotAccepted | NoGateway, form: ComposeForm | None) -> Trouble | None:
    if isinstance(why, submission.OverLimit):
        return Trouble(said(why.reached), reverse("limits"), _("Your limits"))
    if isinstance(why, submission.NewCountry) and form:
        form.ask_for(why.countries)
        names = ", ".join(country_name(country) for country in why.countries)
        text = _("Nothing was sent yet. You have not sent SMS to %(countries)s before. Press Send if that is meant.")
        return Trouble(text % {"countries": names})
    if isinstance(why, submission.BadRecipients):
        first = why.readings[0]
        return Trouble(f"{first.shown}: {first.sentence}")
    return None


def _sent_before(form: ComposeForm) -> Trouble:
    """The form was sent before with another text or other numbers (the back button): it becomes a new SMS."""
    first = Message.objects.get(user=form.user, request_key=form.data["token"])
    form.new_token()
    text = _("You sent an SMS from this form before. To send this one too, press Send.")
    return Trouble(text, reverse("sms:message", args=[first.pk]), _("See the first one"))
