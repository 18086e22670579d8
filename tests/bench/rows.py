"""The rows of the bench: each a function with `@row` in a module of this package."""

import importlib
import pkgutil
from collections.abc import Callable, Iterator

import tests.bench
from tests.bench.figures import Figure
from tests.bench.run import Run

Row = Callable[[Run], Iterator[Figure]]

_rows: dict[str, Row] = {}


def row(function: Row) -> Row:
    """Enter the function as a row under its own name; its docstring says what it measures."""
    assert function.__doc__, f"{function.__name__} does not say what it measures"
    assert function.__name__ not in _rows, f"two rows are called {function.__name__}"
    _rows[function.__name__] = function
    return function


def chosen(wanted: list[str]) -> dict[str, Row]:
    """Return the rows whose names begin with one of `wanted`, all where nothing is; raises LookupError for none."""
    for module in pkgutil.iter_modules(tests.bench.__path__):
        if not module.name.startswith(("test_", "__")):
            importlib.import_module(f"tests.bench.{module.name}")
    found = {name: each for name, each in _rows.items() if not wanted or name.startswith(tuple(wanted))}
    if not found:
        raise LookupError(f"no row begins with {' or '.join(wanted)}; there are: {', '.join(sorted(_rows))}")
    return found
