"""The door: nobody signs up by themselves, the office makes users; what the door says, in plain words."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.forms import LoginForm, ResetPasswordForm, ResetPasswordKeyForm
from django import forms
from django.contrib.auth.models import AbstractBaseUser
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import translation
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from contacts.models import User

WRONG = _("This name and this password do not belong together. Check both, or ask for a new password.")
gettext_noop("You must type the same password each time.")  # allauth's own sentence, in our translation


class SignInAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """allauth's adapter: no sign-up, own sentences, mail in the language of whoever gets it."""

    error_messages = DefaultAccountAdapter.error_messages | {
        "username_password_mismatch": WRONG,
        "email_password_mismatch": WRONG,
        "invalid_login": WRONG,
        "account_inactive": _("This user is switched off. Ask your office to switch it on again."),
        "too_many_login_attempts": _("That was wrong several times in a row. Wait five minutes, then try again."),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def send_password_reset_mail(self, user: AbstractBaseUser, email: str, context: dict[str, Any]) -> None:
        language = user.language if isinstance(user, User) else translation.get_language()
        with translation.override(language):
            super().send_password_reset_mail(user, email, context)


class SignInForm(LoginForm):  # type: ignore[misc]
    """Name or e-mail address, and password."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"] = forms.CharField(
            label=_("Name or e-mail address"),
            max_length=254,
            widget=forms.TextInput(attrs={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"}),
        )
        self.fields["password"].label = _("Password")
        self.fields["password"].help_text = ""
        self.fields["password"].widget.attrs.pop("placeholder", None)
        self.order_fields(["login", "password"])


class AskResetForm(ResetPasswordForm):  # type: ignore[misc]
    """The e-mail address that gets the link."""

    email = forms.EmailField(label=_("E-mail address"), widget=forms.EmailInput(attrs={"autocomplete": "email"}))


class NewPasswordForm(ResetPasswordKeyForm):  # type: ignore[misc]
    """The new password, twice."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, label in (("password1", _("New password")), ("password2", _("The new password once more"))):
            self.fields[name].label = label
            self.fields[name].widget.attrs.pop("placeholder", None)


def too_many_tries(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer 429 in plain words; the limits are allauth's."""
    return render(request, "429.html", status=429)
