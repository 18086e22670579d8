"""Querysets whose SQL Django compiles once for each shape, not each time: in the simulator most time went into that.

`objects` gives a queryset that only notes what it is asked. When its rows are wanted, its shape (the calls and the
types of their values) is looked up. A new shape is compiled by Django with a mark in the place of each value; where the
marks stand in the parameters, the values go the next time. What does not fit in here is left to Django's own queryset,
so the product asks what it always asks, and the database gets the same SQL, choices written out.
"""

import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache, partial
from typing import Any
from unittest.mock import patch

from django.contrib.auth.models import UserManager
from django.core.exceptions import EmptyResultSet, FullResultSet
from django.db import connections, transaction
from django.db.models import AutoField, BooleanField, DateTimeField, Manager, Model, Q, UUIDField
from django.db.models.base import ModelState
from django.db.models.constants import OnConflict
from django.db.models.deletion import Collector
from django.db.models.expressions import Combinable
from django.db.models.manager import BaseManager
from django.db.models.query import (
    FlatValuesListIterable,
    ModelIterable,
    ValuesListIterable,
    get_related_populators,
)
from django.db.models.sql import DeleteQuery, InsertQuery, UpdateQuery

# calls whose arguments are names, not values
NAMING = {"order_by", "select_related", "select_for_update", "values_list", "slice"}
NOTED = NAMING | {"filter", "exclude"}
PLAIN = (Manager, UserManager)
MOST_ROWS = 20
DEFAULT = "default"
FIRST_MARK = datetime(1907, 1, 1, tzinfo=UTC)

Step = tuple[str, tuple[Any, ...], dict[str, Any]]


class Strange(Exception):
    """Something that is not remembered: Django's own queryset is to do it."""


@dataclass(frozen=True, slots=True)
class Kind:
    """How values of one type are marked, and what the database gets for one."""

    mark: Callable[[int], Any]
    given: Callable[[Any], Any]


def _same(value: Any) -> Any:
    return value


def _moment(value: datetime) -> Any:
    return connections[DEFAULT].ops.adapt_datetimefield_value(value)


KINDS: dict[type, Kind] = {
    int: Kind(lambda place: 17_000_000 + place, _same),
    str: Kind(lambda place: f"mark {place}", _same),
    datetime: Kind(lambda place: FIRST_MARK + timedelta(days=place), _moment),
    uuid.UUID: Kind(lambda place: uuid.UUID(int=17 * 10**30 + place), lambda value: value.hex),
}


def shape_of(value: Any, leaves: list[Any]) -> Any:
    """Return what is the same for all values of this form, and add the values themselves to `leaves`."""
    kind = type(value)
    if kind in KINDS:
        leaves.append(value)
        return kind
    if value is None or kind is bool or isinstance(value, str):  # a string in here is one of a model's choices
        return value
    if isinstance(value, list | tuple | set | frozenset) or kind in (type({}.keys()), type({}.values())):
        return ("many", *[shape_of(each, leaves) for each in value])
    if isinstance(value, Model):
        return ("row", kind, shape_of(value.pk, leaves))
    if isinstance(value, Q):
        parts = [(each[0], shape_of(each[1], leaves)) if type(each) is tuple else shape_of(each, leaves)
                 for each in value.children]  # fmt: skip
        return ("Q", value.connector, value.negated, *parts)
    if isinstance(value, Combinable):
        return ("expression", repr(value))
    raise Strange


def _shape(called: str, args: Iterable[Any], more: dict[str, Any], leaves: list[Any]) -> list[Any]:
    shape: list[Any] = [called, *[shape_of(each, leaves) for each in args]]
    for name, value in more.items():
        kind: Any = type(value)
        if kind in KINDS:
            leaves.append(value)
        else:
            kind = shape_of(value, leaves)
        shape += (name, kind)
    return shape


def marked(value: Any, marks: Iterator[Any]) -> Any:
    """Return the same form with the next of `marks` in the place of each value."""
    kind = type(value)
    if kind in KINDS:
        return next(marks)
    if isinstance(value, Model):
        return kind(**{kind._meta.pk.attname: marked(value.pk, marks)})  # by `pk` it would draw an id by chance
    if isinstance(value, Q):
        again = Q(_connector=value.connector, _negated=value.negated)
        again.children = [
            (each[0], marked(each[1], marks)) if type(each) is tuple else marked(each, marks) for each in value.children
        ]
        return again
    if value is None or isinstance(value, bool | str | Combinable):
        return value
    return [marked(each, marks) for each in value]


class Compiled:
    """SQL for one shape, and where each value stands in its parameters. `sql` is "" where nothing can be found."""

    def __init__(self, compiler: Any, leaves: Sequence[Any], marks: Sequence[Any]) -> None:
        self.sql = ""
        try:
            self.sql, values = compiler.as_sql()
        except EmptyResultSet:
            return
        except FullResultSet as full:
            raise Strange from full
        kinds = [KINDS[type(leaf)] for leaf in leaves]
        self._values: list[tuple[int | None, Any]]
        places = {(type(given), given): (index, kinds[index].given)
                  for index, mark in enumerate(marks) for given in [kinds[index].given(mark)]}  # fmt: skip
        self._values = [places.get((type(value), value), (None, value)) for value in values]
        if {index for index, _given in self._values} - {None} != set(range(len(leaves))):
            raise Strange  # a value went into the SQL in another form
        self._write_out_choices()

    def _write_out_choices(self) -> None:
        """Have 'planned' and the like stand in the SQL: for the sake of partial indexes SQLite plans values anew."""
        pieces, values = self.sql.split("%s"), self._values
        self.sql, self._values = pieces[0], []
        for (index, value), piece in zip(values, pieces[1:], strict=True):
            written = index is None and isinstance(value, str) and value.isidentifier()
            self.sql += f"'{value}'{piece}" if written else f"%s{piece}"
            self._values += [] if written else [(index, value)]

    def values(self, leaves: Sequence[Any]) -> list[Any]:
        """Return the parameters for these values."""
        return [given if index is None else given(leaves[index]) for index, given in self._values]


class Rows:
    """How the rows of a compiled SELECT become objects, as Django's own iterables do it."""

    def __init__(self, compiler: Any, iterable: type) -> None:
        select, info = compiler.select, compiler.klass_info
        converters = compiler.get_converters([each[0] for each in select])
        self._converters = [(place, _chain(*each)) for place, each in converters.items()]
        self._make: Callable[[list[Any]], Any]
        if iterable is ModelIterable:
            self._make = self._model(select, info)
        elif iterable is FlatValuesListIterable:
            self._make = lambda row: row[0]
        elif iterable is ValuesListIterable:
            self._make = tuple
        else:
            raise Strange

    def of(self, rows: Iterable[tuple[Any, ...]]) -> list[Any]:
        """Return the objects."""
        made = []
        for row in map(list, rows):
            for place, convert in self._converters:
                row[place] = convert(row[place])
            made.append(self._make(row))
        return made

    def _model(self, select: Any, info: Any) -> Callable[[list[Any]], Any]:
        first, end = info["select_fields"][0], info["select_fields"][-1] + 1
        names = [each[0].target.attname for each in select[first:end]]
        populators, model = get_related_populators(info, select, DEFAULT), info["model"]

        def make(row: list[Any]) -> Any:
            made = _object(model, zip(names, row[first:end], strict=True))
            for populator in populators:
                populator.populate(row, made)
            return made

        return make


def _chain(converters: Sequence[Callable[..., Any]], expression: Any) -> Callable[[Any], Any]:
    """Return what converts a column's values; the same moment or id is read once."""
    wrapper = connections[DEFAULT]

    def convert(value: Any) -> Any:
        for each in converters:
            value = each(value, expression, wrapper)
        return value

    lasting = isinstance(expression.output_field, DateTimeField | UUIDField | BooleanField)
    return lru_cache(10_000)(convert) if lasting else convert


def _object(model: type[Model], values: Iterable[tuple[str, Any]]) -> Any:
    """Make an object of a row, as `from_db` does where no signal and no method of the model wants to know."""
    made = model.__new__(model)
    state = ModelState()
    state.adding, state.db = False, DEFAULT
    made.__dict__.update(values, _state=state)
    return made


_known: dict[Any, Any] = {}


class Remembered:
    """What `objects` is in the simulator: a queryset that notes what it is asked until its rows are wanted."""

    __slots__ = ("_given", "_model", "_own", "_steps")

    def __init__(self, model: type[Model], own: Callable[[], Any], steps: tuple[Step, ...] = ()) -> None:
        self._model, self._own, self._steps = model, own, steps
        self._given: list[Any] | None = None

    def __getattr__(self, name: str) -> Any:
        if name in NOTED:
            return partial(self._note, name)
        return getattr(self._django(self._steps), name)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._rows())

    def __len__(self) -> int:
        return len(self._rows())

    def __bool__(self) -> bool:
        return bool(self._rows())

    def __getitem__(self, part: Any) -> Any:
        if isinstance(part, slice) and self._given is None:
            return self._and("slice", (part.start, part.stop, part.step), {})
        return self._rows()[part]

    def all(self) -> "Remembered":
        return Remembered(self._model, self._own, self._steps)

    def using(self, alias: str | None) -> Any:
        return self if alias == DEFAULT else self._django(self._steps).using(alias)

    def get(self, *args: Any, **fields: Any) -> Any:
        found = self._and("filter", args, fields)._rows()
        return found[0] if len(found) == 1 else self._django(self._steps).get(*args, **fields)

    def first(self) -> Any:
        ordered = any(name == "order_by" for name, *_ in self._steps) or self._model._meta.ordering
        rows = (self if ordered else self._and("order_by", ("pk",), {}))[:1]._rows()
        return rows[0] if rows else None

    def get_or_create(self, defaults: Any = None, **fields: Any) -> tuple[Any, bool]:
        found = self._and("filter", (), fields)._rows()
        return (found[0], False) if found else self._django(self._steps).get_or_create(defaults, **fields)

    def in_bulk(self, ids: Iterable[Any]) -> dict[Any, Any]:
        ids = list(ids)
        rows = self._and("filter", (), {"pk__in": ids})._rows() if ids else []
        return {row.pk: row for row in rows}

    def exists(self) -> bool:
        def compiler(queryset: Any) -> Any:
            return queryset.query.exists().get_compiler(DEFAULT)

        return bool(self._asked("exists", {}, compiler, lambda cursor, _: cursor.fetchone(), lambda own: own.exists()))

    def update(self, **fields: Any) -> int:
        def compiler(queryset: Any, **marks: Any) -> Any:
            query = queryset.query.chain(UpdateQuery)
            query.add_update_values(marks)
            return query.get_compiler(DEFAULT)

        return int(self._written("update", fields, compiler, lambda own: own.update(**fields)))

    def _update(self, values: list[tuple[Any, Any, Any]]) -> int:
        """Do what `Model.save` asks for: values by field."""
        fields = {field.name: field for field, _model, _value in values}

        def compiler(queryset: Any, **marks: Any) -> Any:
            query = queryset.query.chain(UpdateQuery)
            query.add_update_fields([(fields[name], None, mark) for name, mark in marks.items()])
            return query.get_compiler(DEFAULT)

        given = {field.name: value for field, _model, value in values}
        return int(self._written("save", given, compiler, lambda own: own._update(values)))

    def delete(self) -> tuple[int, dict[str, int]]:
        def compiler(queryset: Any) -> Any:
            if not Collector(DEFAULT).can_fast_delete(queryset):
                raise Strange
            query = queryset.query.clone()
            query.__class__ = DeleteQuery
            return query.get_compiler(DEFAULT)

        with transaction.atomic(savepoint=False):
            gone = self._written("delete", {}, compiler, lambda own: own.delete())
        return gone if isinstance(gone, tuple) else (gone, {self._model._meta.label: gone})

    def bulk_create(self, rows: Iterable[Any], ignore_conflicts: bool = False, **more: Any) -> list[Any]:
        rows = list(rows)
        for row in rows:
            if not row._is_pk_set():
                row.pk = row._meta.pk.get_pk_value_on_save(row)
        with_pk = [row._is_pk_set() for row in rows]
        if more or len(rows) > MOST_ROWS or len(set(with_pk)) != 1 or self._steps:
            made: list[Any] = self._django(self._steps).bulk_create(rows, ignore_conflicts=ignore_conflicts, **more)
            return made
        for row in rows:
            row._prepare_related_fields_for_save(operation_name="bulk_create")
        with transaction.atomic(savepoint=False):
            _insert(self._model, rows, with_pk=with_pk[0], ignore_conflicts=ignore_conflicts)
        return rows

    def bulk_update(self, rows: Iterable[Any], fields: Sequence[str]) -> int:
        rows = list(rows)
        if not rows:
            return 0
        if len(rows) > MOST_ROWS or self._steps:
            return int(self._django(self._steps).bulk_update(rows, fields))
        with transaction.atomic(savepoint=False):
            return _write(self._model, rows, fields)

    def _note(self, name: str, /, *args: Any, **more: Any) -> "Remembered":
        return self._and(name, args, more)

    def _and(self, name: str, args: tuple[Any, ...], more: dict[str, Any]) -> "Remembered":
        return Remembered(self._model, self._own, (*self._steps, (name, args, more)))

    def _django(self, steps: Iterable[Step]) -> Any:
        """Return Django's own queryset for these steps."""
        queryset = self._own()
        for name, args, more in steps:
            queryset = queryset[slice(*args)] if name == "slice" else getattr(queryset, name)(*args, **more)
        return queryset

    def _rows(self) -> list[Any]:
        if self._given is None:
            self._given = list(
                self._asked("rows", {}, None, lambda cursor, rows: rows.of(cursor.fetchall()), list) or ()
            )
        return self._given

    def _written(self, name: str, fields: dict[str, Any], compiler: Any, own: Callable[[Any], Any]) -> Any:
        with transaction.mark_for_rollback_on_error(DEFAULT):
            return self._asked(name, fields, compiler, lambda cursor, _: cursor.rowcount, own) or 0

    def _asked(self, name: str, fields: dict[str, Any], compiler: Any, take: Any, own: Callable[[Any], Any]) -> Any:
        """Ask by the SQL that is known for this shape; None where nothing can be found."""
        leaves: list[Any] = []
        try:
            compiled, rows = self._compiled(name, fields, compiler, leaves)
        except Strange:
            return own(self._django(self._steps))
        if not compiled.sql:
            return None
        with connections[DEFAULT].cursor() as cursor:
            cursor.execute(compiled.sql, compiled.values(leaves))
            return take(cursor, rows)

    def _compiled(self, name: str, fields: dict[str, Any], compiler: Any, leaves: list[Any]) -> Any:
        key: list[Any] = [self._model, name]
        for called, args, more in self._steps:
            key += (called, *args, *more.items()) if called in NAMING else _shape(called, args, more, leaves)
        if fields:
            key += _shape(name, (), fields, leaves)
        place = tuple(key)
        known = _known.get(place)
        if known is None:
            _known[place] = known = self._learned(fields, compiler, leaves)
        if known is Strange:
            raise Strange
        return known

    def _learned(self, fields: dict[str, Any], compiler: Any, leaves: Sequence[Any]) -> Any:
        """Have Django compile the shape with marks for its values; `Strange` where it does not come out as values."""
        marks = [KINDS[type(leaf)].mark(place) for place, leaf in enumerate(leaves)]
        left = iter(marks)
        steps = [
            (name, args, more) if name in NAMING
            else (name, tuple(marked(args, left)), dict(zip(more, marked(tuple(more.values()), left), strict=True)))
            for name, args, more in self._steps
        ]  # fmt: skip
        try:
            queryset = self._django(steps)
            if compiler is not None:
                more = dict(zip(fields, marked(tuple(fields.values()), left), strict=True))
                return Compiled(compiler(queryset, **more), leaves, marks), None
            selecting = queryset.query.get_compiler(DEFAULT)
            compiled = Compiled(selecting, leaves, marks)
            return compiled, Rows(selecting, queryset._iterable_class) if compiled.sql else None
        except Exception:  # such as a mark that cannot be a value of its field
            return Strange


def _insert(model: type[Model], rows: Sequence[Any], *, with_pk: bool, ignore_conflicts: bool) -> None:
    meta, wrapper = model._meta, connections[DEFAULT]
    fields = [f for f in meta.concrete_fields if not f.generated and (with_pk or not isinstance(f, AutoField))]
    returned = [] if ignore_conflicts or with_pk else meta.db_returning_fields
    key = ("insert", model, len(rows), with_pk, ignore_conflicts)
    sql = _known.get(key)
    if sql is None:
        query = InsertQuery(model, on_conflict=OnConflict.IGNORE if ignore_conflicts else None)
        query.insert_values(fields, rows)
        compiler = query.get_compiler(DEFAULT)
        compiler.returning_fields = returned
        [(sql, _values)] = compiler.as_sql()
        _known[key] = sql
    values = [field.get_db_prep_save(field.pre_save(row, True), wrapper) for row in rows for field in fields]
    with wrapper.cursor() as cursor:
        cursor.execute(sql, values)
        for row, answer in zip(rows, cursor.fetchall() if returned else [()] * len(rows), strict=True):
            for field, value in zip(returned, answer, strict=True):
                setattr(row, field.attname, value)
            row._state.adding, row._state.db = False, DEFAULT


def _write(model: type[Model], rows: Sequence[Any], names: Sequence[str]) -> int:
    """Do what `bulk_update` does, with its SQL."""
    meta, wrapper = model._meta, connections[DEFAULT]
    fields, key = [meta.get_field(name) for name in names], meta.pk
    assert key is not None
    ids = [key.get_db_prep_save(row.pk, wrapper) for row in rows]
    pk = f'"{meta.db_table}"."{key.column}"'
    case = f"CASE {f'WHEN ({pk} = %s) THEN %s ' * len(rows)}ELSE NULL END"
    columns = ", ".join(f'"{field.column}" = {case}' for field in fields)
    values = [
        value
        for field in fields
        for id_, row in zip(ids, rows, strict=True)
        for value in (id_, field.get_db_prep_save(getattr(row, field.attname), wrapper))
    ]
    with wrapper.cursor() as cursor:
        picked = ", ".join(["%s"] * len(ids))
        cursor.execute(f'UPDATE "{meta.db_table}" SET {columns} WHERE {pk} IN ({picked})', [*values, *ids])
        return int(cursor.rowcount)


def instead_of_querysets() -> AbstractContextManager[Any]:
    """Have `objects` of all models remember what was compiled, for as long as the block lasts."""
    own = BaseManager.get_queryset

    def remembered(manager: Any) -> Any:
        if type(manager) not in PLAIN or manager._db not in (None, DEFAULT):
            return own(manager)
        return Remembered(manager.model, lambda: own(manager))

    return patch.object(BaseManager, "get_queryset", remembered)
