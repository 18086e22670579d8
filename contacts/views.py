"""What a person sets everywhere: the language, and that a notice was seen."""

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST
from django.views.i18n import set_language

from contacts import clock, notices
from contacts.models import Notice, User


@require_POST
def choose_language(request: HttpRequest) -> HttpResponseBase:
    """Keep the posted `language` in a cookie, and in the personal record of whoever is signed in."""
    language = request.POST.get("language")
    if isinstance(request.user, User) and language in dict(settings.LANGUAGES):
        User.objects.filter(pk=request.user.pk).update(language=language)
    return set_language(request)


@login_required
@require_POST
def notice_seen(request: HttpRequest, notice_id: int) -> HttpResponse:
    """Put away one of the user's own notices; another's is 404."""
    notice = get_object_or_404(Notice, pk=notice_id, user_id=request.user.pk)
    notices.mark_seen(notice.user, ids=[notice.pk], now=clock.now())
    return redirect("welcome")
