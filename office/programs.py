"""The user's tokens in the settings: which programs act for the user, one more, one less."""

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from contacts import clock
from office import tokens
from office.models import Token
from sms.answers import signed_in

PAGE = "office/programs.html"


class NewToken(forms.Form):
    """What a new token is for."""

    name = forms.CharField(
        label=gettext_lazy("What is it for?"), max_length=tokens.NAME_LENGTH,
        widget=forms.TextInput({"autocomplete": "off"}),
    )  # fmt: skip


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def programs(request: HttpRequest) -> HttpResponse:
    """Show the signed-in user's tokens; make one where a name is posted, and show its key this once."""
    user = signed_in(request)
    form, key = NewToken(request.POST or None), ""
    if form.is_valid():
        key = tokens.make(user, name=form.cleaned_data["name"], now=clock.now())
        form = NewToken()
    context = {"form": form, "key": key, "tokens": Token.objects.filter(user=user)}
    return render(request, PAGE, context, status=422 if form.errors else 200)


@login_required
@require_POST
def revoke(request: HttpRequest, token_id: int) -> HttpResponse:
    """Take back one of the user's own tokens; another's is 404."""
    token = get_object_or_404(Token, pk=token_id, user=signed_in(request))
    token.delete()
    messages.success(request, _("The token “%(name)s” opens nothing any more.") % {"name": token.name})
    return redirect("programs")
