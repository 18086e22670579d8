"""Imports on the page: bring a file, look at what each row will become, say yes, watch it, undo it."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from contacts import clock, imports
from contacts.answers import signed_in, wants_fragment
from contacts.book_views import number_in, tabs
from contacts.books import writable
from contacts.file_records import Unreadable
from contacts.import_forms import ImportForm
from contacts.import_preview import SHOWN, counts_of, lines_of, sentence, why_failed
from contacts.imports import TooLate, TooManyOpen, Upload
from contacts.models import ImportBatch, User

SHOWN_BEFORE = 10
PIECE = 512 * 1024
_State = ImportBatch.State


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def all_imports(request: HttpRequest) -> HttpResponse:
    """Show the form and the user's imports so far, or keep the posted file."""
    user = signed_in(request)
    shelf = tabs(user)
    form = ImportForm(
        request.POST or None, request.FILES or None, books=shelf.writable, initial={"book": request.GET.get("book")}
    )
    if request.method == "POST" and form.is_valid():
        batch = _begun(form, user=user)
        if batch:
            return redirect("contacts:import", batch.pk)
    context = {"form": form, "shelf": shelf, "before": _imports_of(user).select_related("book__group")[:SHOWN_BEFORE]}
    return render(request, "contacts/imports.html", context, status=422 if form.errors else 200)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def one_import(request: HttpRequest, batch_id: int) -> HttpResponse:
    """Show how far one of the user's own imports is; to htmx that part alone. Do what was pressed."""
    user = signed_in(request)
    batch = get_object_or_404(_imports_of(user).select_related("book__group", "by"), pk=batch_id)
    if request.method == "POST":
        return _pressed(request, batch, user=user)
    template = "contacts/import_live.html" if wants_fragment(request) else "contacts/import.html"
    response = render(request, template, _shown(request, batch) | {"shelf": tabs(user)})
    patch_vary_headers(response, ["HX-Request"])
    return response


def _imports_of(user: User) -> Any:
    return ImportBatch.objects.filter(by=user, book__in=writable(user))


def _begun(form: ImportForm, *, user: User) -> ImportBatch | None:
    """Keep the file; a small one is read at once, so that what is wrong with it stands at the field."""
    file = form.cleaned_data["file"]
    upload = Upload(file.name, file.chunks(PIECE), form.cleaned_data["twins"])
    try:
        batch = imports.begin(form.into.book, upload, by=user, now=clock.now())
    except Unreadable as why:
        form.add_error("file", sentence(why.fault, row=why.row))
        return None
    except TooManyOpen:
        form.add_error("file", _("Finish or cancel one of your imports first: five wait for you already."))
        return None
    if batch.size <= imports.SMALL:
        imports.work(clock=clock.now, only=batch.pk)
        batch.refresh_from_db()
    if batch.state == _State.FAILED:
        form.add_error("file", why_failed(batch))
        imports.cancel(batch)
        return None
    return batch


def _pressed(request: HttpRequest, batch: ImportBatch, *, user: User) -> HttpResponse:
    press = request.POST.get("press", "")
    try:
        if press == "cancel":
            imports.cancel(batch)
            messages.success(request, _("The file is forgotten. Nothing was imported."))
            return redirect("contacts:imports")
        _do(press, batch)
    except TooLate:
        messages.info(request, _("This import has gone on meanwhile. Look at it as it is now."))
    return redirect("contacts:import", batch.pk)


def _do(press: str, batch: ImportBatch) -> None:
    if press == "confirm":
        imports.confirm(batch)
        if batch.size <= imports.SMALL:
            imports.work(clock=clock.now, only=batch.pk)
    elif press == "undo":
        imports.undo(batch, now=clock.now())
    elif press in ImportBatch.Twins:
        imports.choose(batch, twins=press)


def _shown(request: HttpRequest, batch: ImportBatch) -> dict[str, Any]:
    show, after = request.GET.get("show", ""), number_in(request.GET.get("after", ""))
    looked_at = batch.state in (_State.READY, _State.DONE)
    lines, further = lines_of(batch, show=_show(batch, show), after=after) if looked_at else ([], 0)
    return {
        "batch": batch,
        "counts": counts_of(batch) if batch.state == _State.READY else None,
        "lines": lines,
        "further": further,
        "show": show if show in SHOWN else "",
        "at_work": batch.state in (_State.READING, _State.FILING),
        "why": why_failed(batch) if batch.state == _State.FAILED else "",
        "undoable": batch.state == _State.DONE and imports.is_undoable(batch, now=clock.now()),
    }


def _show(batch: ImportBatch, wanted: str) -> str:
    """Once it is done, only what was not taken in is of use."""
    return "refused" if batch.state == _State.DONE else wanted
