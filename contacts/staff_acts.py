"""What staff does is written down beside what it changes, in the same transaction (FAULTS A4).

Every page of the administration derives from `StaffAdmin`, which asks for a reason and writes the act. That none is
forgotten is not left to care: `office/staff_site.py` refuses a request that wrote something and told nothing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from django import forms
from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _

from contacts import clock
from contacts.models import StaffAct, User

Row = TypeVar("Row", bound=Model)
WHY = "why"
LONGEST_REASON = 200


@dataclass(frozen=True, slots=True)
class Act:
    """What somebody of the staff did to one object, and why. `changes` is as `StaffAct.changes`."""

    by: User
    kind: StaffAct.Kind
    about: Model
    why: str
    changes: Mapping[str, Any] = field(default_factory=dict)


def record(act: Act, *, now: datetime) -> StaffAct:
    """Write the act down, inside the caller's transaction; return it."""
    return StaffAct.objects.create(
        by=act.by, at=now, kind=act.kind, model=act.about._meta.label_lower, key=str(act.about.pk),
        changes=dict(act.changes), why=act.why[:LONGEST_REASON],
    )  # fmt: skip


def staff(request: HttpRequest) -> User:
    """Return who of the staff asks; the administration has let nobody else in."""
    if not isinstance(request.user, User):
        raise TypeError("no user of the office")
    return request.user


def acts_on(about: Model) -> str:
    """Return the address of the page with all that staff did to this object."""
    query = urlencode({"model": about._meta.label_lower, "key": about.pk})
    return f"{reverse('admin:contacts_staffact_changelist')}?{query}"


class ReasonForm(forms.Form):
    """The reason for something that staff does; it is asked every time."""

    why = forms.CharField(
        label=_("Reason"), max_length=LONGEST_REASON, widget=forms.TextInput(attrs={"class": "vTextField"})
    )


class StatedForm(forms.ModelForm[Row]):
    """A record with the reason for changing it."""

    why = forms.CharField(
        label=_("Reason"), max_length=LONGEST_REASON, help_text=_("Kept with your name and what you changed."),
        widget=forms.TextInput(attrs={"class": "vTextField"}),
    )  # fmt: skip


class StaffAdmin(admin.ModelAdmin[Row]):
    """A page of the administration: asks for a reason and writes down what was done. Nothing is deleted here."""

    form: type[forms.ModelForm[Any]] = StatedForm
    actions = None
    show_full_result_count = False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody deletes."""
        return False

    def construct_change_message(self, request: HttpRequest, form: Any, formsets: Any, add: bool = False) -> Any:
        """Return what the act tells: the reason, and the changes of the record and of the lines below it."""
        changes = _changes(form)
        for formset in formsets or ():
            lines = _lines(formset)
            if lines:
                changes[formset.model._meta.model_name] = lines
        return {"why": form.cleaned_data.get(WHY, ""), "changes": changes}

    def log_addition(self, request: HttpRequest, obj: Row, message: Any) -> Any:
        """Write down that the record was made; the place of Django's own log, which may be changed."""
        return self._record(request, StaffAct.Kind.ADDED, obj, message)

    def log_change(self, request: HttpRequest, obj: Row, message: Any) -> Any:
        """Write down what was changed."""
        return self._record(request, StaffAct.Kind.CHANGED, obj, message)

    def log_deletions(self, request: HttpRequest, queryset: QuerySet[Row]) -> Any:
        """Write down each deletion."""
        return [self._record(request, StaffAct.Kind.DELETED, obj, {}) for obj in queryset]

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """Lead to what staff did to this record."""
        found = self.get_object(request, object_id)
        return redirect(acts_on(found) if found else reverse("admin:index"))

    def _record(self, request: HttpRequest, kind: StaffAct.Kind, obj: Row, message: Mapping[str, Any]) -> StaffAct:
        act = Act(staff(request), kind, obj, message.get("why", ""), message.get("changes", {}))
        return record(act, now=clock.now())


class ReadOnlyAdmin(StaffAdmin[Row]):
    """A page that only shows."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody adds."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody changes."""
        return False


def _changes(form: Any) -> dict[str, Any]:
    """Return what changed: each field with its value before and after, null where somebody typed it."""
    return {
        name: [_kept(form.fields[name], form.initial.get(name)), _kept(form.fields[name], form.cleaned_data.get(name))]
        for name in form.changed_data
        if name in form.fields and name != WHY
    }


def _kept(form_field: forms.Field, value: Any) -> Any:
    """Return what may be kept of a value for ever: not what was typed, which may be personal."""
    if isinstance(value, Model):
        return value.pk
    if isinstance(value, str) and not isinstance(form_field, forms.ChoiceField | forms.ModelChoiceField):
        return None
    return value


def _lines(formset: Any) -> dict[str, list[dict[str, Any]]]:
    """Return the lines below a record that were added, changed and removed."""
    removed = getattr(formset, "deleted_objects", [])
    changed = [form for form in formset.initial_forms if form.has_changed() and form.instance not in removed]
    found = {
        "added": _described(getattr(formset, "new_objects", [])),
        "changed": [_describe(form.instance) | _changes(form) for form in changed if form.instance.pk],
        "removed": _described(removed),
    }
    return {what: lines for what, lines in found.items() if lines}


def _described(objects: Iterable[Model]) -> list[dict[str, Any]]:
    return [_describe(each) for each in objects]


def _describe(line: Model) -> dict[str, Any]:
    """Return a line's references and choices."""
    fields = [each for each in line._meta.concrete_fields if each.is_relation or each.choices]
    return {each.name: getattr(line, each.attname) for each in fields}
