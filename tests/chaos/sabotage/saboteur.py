"""Does the damage, in memory only: no file is changed.

A damage is {"path", "old", "new"}, which changes the source of one module, or {"constraint"} or {"unique"}, which take
the constraint of that name, or the unique key of that column, out of the tables. SABOTAGE holds it as JSON for a
process that is about to start.
"""

import gc
import json
import os
import sys
from collections.abc import Iterator
from importlib import import_module
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

PROJECT = Path(__file__).resolve().parents[3]
VARIABLE = "SABOTAGE"
OPTIMIZED = 1  # CO_OPTIMIZED: of the code of a function, not of that of a module or class


class NotThere(Exception):
    """The source is not as the list says: it was changed, and the list was not."""


def begin() -> None:
    """Do what the environment asks, if anything, to the modules that will be imported."""
    asked = json.loads(os.environ.get(VARIABLE, "{}"))
    if "path" in asked:
        _change_source(asked)


def is_of_tables(damage: dict[str, Any]) -> bool:
    """Whether the tables themselves are to be changed, and not what works on them."""
    return not {"constraint", "unique"}.isdisjoint(damage) or str(damage.get("path")).endswith("triggers.py")


def changed(source: str, damage: dict[str, Any]) -> str:
    """Return the source with `old` as `new`: at the offset `at`, or where it stands once, in the function `in`."""
    old, new, begin, end = damage["old"], damage["new"], damage.get("at", 0), len(source)
    if "at" in damage:
        end = begin + len(old)
    if "in" in damage:
        begin, end = _place(source, damage["in"])
    if source.count(old, begin, end) != 1:
        raise NotThere(f"{source.count(old, begin, end)} times: {old}")
    return source[:begin] + source[begin:end].replace(old, new) + source[end:]


def change_loaded(damage: dict[str, Any]) -> None:
    """Give the functions of a module that is loaded already the code of the changed source; else change it later."""
    _change_source(damage)
    target = PROJECT / damage["path"]
    if not any(getattr(module, "__file__", None) == str(target) for module in list(sys.modules.values())):
        return
    source = target.read_text()
    texts = (source, changed(source, damage))
    sound, damaged = (compile(text, str(target), "exec", dont_inherit=True) for text in texts)
    pairs = {old: new for old, new in _functions(sound, damaged) if _essence(old) != _essence(new)}
    there = [each for each in gc.get_objects() if type(each) is FunctionType and each.__code__ in pairs]
    if {each.__code__ for each in there} != set(pairs):
        raise NotThere(f"{damage['path']} was loaded otherwise")
    for each in there:
        each.__code__ = pairs[each.__code__]
    if not pairs:
        _change_words(damaged, str(target))


def change_tables(damage: dict[str, Any], file: Path) -> None:
    """Change the tables of a migrated SQLite file; remade tables get their triggers anew."""
    from django.apps import apps
    from django.db import connection

    from tests.databases import Database, connected

    modules = [import_module(f"{app}.triggers") for app in ("contacts", "credit", "sms")]
    if "path" in damage:
        target = PROJECT / damage["path"]
        module = next(each for each in modules if each.__file__ == str(target))
        exec(compile(changed(target.read_text(), damage), str(target), "exec"), vars(module))
    with connected(Database("sqlite", f"sqlite:///{file}")):
        with connection.schema_editor() as editor:
            for model in apps.get_models():
                _leave_out(editor, model, damage.get("constraint"))
            if "unique" in damage:
                app, name, column = damage["unique"].split(".")
                editor.alter_field(model := apps.get_model(app, name), *_as_not_unique(model._meta.get_field(column)))
        for module in modules:
            module.install()


def _change_words(damaged: CodeType, file: str) -> None:
    """Give the module the constants of the changed source, where it is these that differ."""
    module = next(each for each in sys.modules.values() if getattr(each, "__file__", None) == file)
    fresh = {name: getattr(module, name) for name in ("__name__", "__package__", "__file__")}
    exec(damaged, fresh)
    words = {name: value for name, value in fresh.items() if isinstance(value, str) and value != vars(module).get(name)}
    if not words:
        raise NotThere("this is neither in a function nor in a word of the module")
    vars(module).update(words)


def _leave_out(editor: Any, model: Any, name: str | None) -> None:
    """Remove the constraint of that name from the table; SQLite remakes it from what the model says meanwhile."""
    named = model._meta.constraints
    for constraint in named:
        if constraint.name == name:
            model._meta.constraints = [each for each in named if each is not constraint]
            editor.remove_constraint(model, constraint)
    model._meta.constraints = named


def _as_not_unique(field: Any) -> tuple[Any, Any]:
    """Return a column that is unique, and the same one as if it were not."""
    from django.db.models import ForeignKey

    _name, _path, args, words = field.deconstruct()
    words.pop("unique", None)
    if field.remote_field:
        words["to"] = field.remote_field.model
    plain = (ForeignKey if field.one_to_one else type(field))(*args, **words)
    plain.set_attributes_from_name(field.name)
    plain.model = field.model
    return field, plain


def _functions(old: CodeType, new: CodeType) -> Iterator[tuple[CodeType, CodeType]]:
    """Pair the functions of two sources that differ inside of functions only."""
    if _essence(old, functions=False)[1:3] != _essence(new, functions=False)[1:3]:
        raise NotThere("this is outside of any function, and no plain word")
    for one, other in zip(_codes(old), _codes(new), strict=True):
        if one.co_flags & OPTIMIZED:
            yield one, other
        else:
            yield from _functions(one, other)


def _codes(code: CodeType) -> list[CodeType]:
    return [each for each in code.co_consts if isinstance(each, CodeType)]


def _essence(code: CodeType, *, functions: bool = True) -> tuple[Any, ...]:
    """What a piece of code does, whatever line it stands in."""
    inner = [_essence(each) for each in _codes(code)] if functions else []
    plain = [repr(each) for each in code.co_consts if not isinstance(each, CodeType)]
    return code.co_name, code.co_code, code.co_names, plain, inner


def _place(source: str, function: str) -> tuple[int, int]:
    begin = source.index(f"\ndef {function}(")
    end = source.find("\ndef ", begin + 1)
    return begin, end if end > 0 else len(source)


def _change_source(asked: dict[str, Any]) -> None:
    target = str(PROJECT / asked["path"])
    normal = SourceFileLoader.get_code

    def get_code(self: SourceFileLoader, fullname: str) -> CodeType | None:
        if self.path != target:
            return normal(self, fullname)
        return compile(changed(Path(target).read_text(), asked), target, "exec", dont_inherit=True)

    SourceFileLoader.get_code = get_code  # type: ignore[method-assign]
