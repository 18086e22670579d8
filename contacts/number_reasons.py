"""Why a number cannot be used, what would repair it, and the words for both."""

from enum import StrEnum

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Reason(StrEnum):
    """Why a number cannot be used as it was typed. The codes are part of the API."""

    EMPTY = "empty"
    TOO_MANY_CHARACTERS = "too_many_characters"
    UNREADABLE = "unreadable"
    LETTERS = "letters"
    EXTENSION = "extension"
    MISSING_COUNTRY = "missing_country"
    UNKNOWN_COUNTRY = "unknown_country"
    AMBIGUOUS = "ambiguous"
    ZERO_BEFORE = "zero_before"
    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    INVALID = "invalid"
    LANDLINE = "landline"
    TOLL_FREE = "toll_free"
    PREMIUM = "premium"
    SHARED_COST = "shared_cost"
    VOIP = "voip"
    PERSONAL = "personal"
    PAGER = "pager"
    UAN = "uan"
    VOICEMAIL = "voicemail"
    SATELLITE = "satellite"
    INTERNATIONAL_NETWORK = "international_network"
    NOT_INTERNATIONAL = "not_international"
    NOT_MOBILE_KIND = "not_mobile_kind"
    ASKED_NOT = "asked_not"
    REFUSED_RANGE = "refused_range"


class How(StrEnum):
    """What a repair does to the number."""

    AS_INTERNATIONAL = "as_international"
    AS_NATIONAL = "as_national"
    INTERNATIONAL_FORM = "international_form"
    WITHOUT_ZERO = "without_zero"
    WITHOUT_EXTENSION = "without_extension"
    WITHOUT_WORDS = "without_words"
    WITHOUT_SIGNS = "without_signs"
    DIGITS_FOR_LETTERS = "digits_for_letters"
    SET_TO_MOBILE = "set_to_mobile"


SENTENCES: dict[Reason, Promise] = {
    Reason.EMPTY: _("Type a number, for example +32 475 12 34 56."),
    Reason.TOO_MANY_CHARACTERS: _("This is too long for one number. Put each number on its own line."),
    Reason.UNREADABLE: _("This number contains signs that do not belong in a phone number."),
    Reason.LETTERS: _("This number contains letters. Write it with digits only."),
    Reason.EXTENSION: _("An extension cannot receive SMS. Use the number of a mobile phone."),
    Reason.MISSING_COUNTRY: _(
        "The country code is missing, or this is not a mobile number of your own country. "
        "Begin with + and the country code, for example +32 475 12 34 56."
    ),
    Reason.UNKNOWN_COUNTRY: _("No country has this code. Check the first digits."),
    Reason.AMBIGUOUS: _("This number can be read in two ways. Choose the one that you mean."),
    Reason.ZERO_BEFORE: _("There is a zero too many before the country code or the area code."),
    Reason.TOO_SHORT: _("This number is too short. Check whether digits are missing."),
    Reason.TOO_LONG: _("This number has too many digits. Put each number on its own line."),
    Reason.INVALID: _("We know no such number in that country. Check the digits."),
    Reason.LANDLINE: _("This is a landline, which cannot receive SMS."),
    Reason.TOLL_FREE: _("This is a toll-free number, which cannot receive SMS."),
    Reason.PREMIUM: _("This is a premium-rate number, which cannot receive SMS."),
    Reason.SHARED_COST: _("This is a shared-cost number, which cannot receive SMS."),
    Reason.VOIP: _("This is an internet phone number. Not all of these receive SMS, so we do not send to it."),
    Reason.PERSONAL: _("This number only forwards calls. It cannot receive SMS."),
    Reason.PAGER: _("This is a pager, which cannot receive SMS."),
    Reason.UAN: _("This is a company number, which cannot receive SMS."),
    Reason.VOICEMAIL: _("This is a voicemail number, which cannot receive SMS."),
    Reason.SATELLITE: _("This is a satellite phone. We do not send SMS to satellite phones."),
    Reason.INTERNATIONAL_NETWORK: _("This number belongs to an international network to which we do not send SMS."),
    Reason.NOT_INTERNATIONAL: _("This number is not written in international format."),
    Reason.NOT_MOBILE_KIND: _("The type of this number is not Mobile."),
    Reason.ASKED_NOT: _("Whoever has this number asked not to get SMS. Take it out."),
    Reason.REFUSED_RANGE: _("This office does not send SMS to numbers that begin like this one. Take it out."),
}
FROM_ELSEWHERE = _("If it is a number of another country, begin with + and the country code.")
CORRECTED = _("We corrected this number while reading it. Check that it is the right one.")

LABELS: dict[How, Promise] = {
    How.AS_INTERNATIONAL: _("Read as an international number"),
    How.AS_NATIONAL: _("Read as a number of your own country"),
    How.INTERNATIONAL_FORM: _("Write it in international format"),
    How.WITHOUT_ZERO: _("Leave out the zero"),
    How.WITHOUT_EXTENSION: _("Leave out the extension"),
    How.WITHOUT_WORDS: _("Leave out the words"),
    How.WITHOUT_SIGNS: _("Leave out the signs"),
    How.DIGITS_FOR_LETTERS: _("Read the letters as digits"),
    How.SET_TO_MOBILE: _("Set the type to Mobile"),
}
