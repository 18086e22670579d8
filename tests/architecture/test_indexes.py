"""Each index is paid at each row that is written, and a second one of the same beginning also misleads the planner."""

from collections.abc import Iterator

import pytest
from django.db.models import Field, Model

from tests.architecture.test_floors import MODELS

OWN = [model for model in MODELS if not model._meta.auto_created]


def beginnings(model: type[Model]) -> Iterator[str]:
    """The fields with which an index over several, without a condition, begins."""
    for index in model._meta.indexes:
        if index.fields and not index.condition:
            yield index.fields[0].lstrip("-")
    for unique in model._meta.total_unique_constraints:
        yield unique.fields[0]
    for fields in model._meta.unique_together:
        yield fields[0]


def indexed_alone(model: type[Model]) -> Iterator[Field]:
    """The foreign keys with an index of their own."""
    for field in model._meta.local_fields:
        if field.remote_field and field.db_index and not field.unique:
            yield field


@pytest.mark.parametrize("model", OWN, ids=lambda model: model._meta.label)
def test_no_foreign_key_is_indexed_twice(model: type[Model]) -> None:
    begun = set(beginnings(model))
    assert [field.name for field in indexed_alone(model) if field.name in begun] == []


def test_both_kinds_of_index_are_seen() -> None:
    """The control: without it, a change of Django's could make the test above look at nothing."""
    assert any(set(beginnings(model)) for model in OWN)
    assert any(field.name == "batch" for model in OWN for field in indexed_alone(model))
