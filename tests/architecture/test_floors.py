"""Foreign keys go down the floors too: a reference by name escapes the checker of imports."""

from collections.abc import Iterator

import pytest
from django.apps import apps
from django.db.models import Field, Model

FLOORS = {"contacts": 0, "credit": 1, "sms": 2, "agenda": 3, "messaging": 3, "office": 4}
MODELS = [model for model in apps.get_models(include_auto_created=True) if model._meta.app_label in FLOORS]


def references(model: type[Model]) -> Iterator[tuple[Field, str]]:
    """The fields of a model that point at a model of an app of ours, with that app's name."""
    for field in model._meta.get_fields():
        if field.remote_field and not field.auto_created and field.related_model:
            app = field.related_model._meta.app_label
            if app in FLOORS:
                yield field, app


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_references_go_down(model: type[Model]) -> None:
    own = model._meta.app_label
    upwards = [field.name for field, app in references(model) if app != own and FLOORS[app] >= FLOORS[own]]
    assert upwards == []


def test_the_references_are_seen() -> None:
    """The control: without it, a change of Django's could make the test above look at nothing."""
    seen = {(model._meta.app_label, app) for model in MODELS for _, app in references(model)}
    assert {("credit", "contacts"), ("sms", "credit")} <= seen
