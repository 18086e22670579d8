"""Every address of the office, walked from the resolver, so that no test has to be told of a new one."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver, reverse


@dataclass(frozen=True)
class Route:
    """A named address; `parameters` are the names that stand in it."""

    name: str
    parameters: tuple[str, ...] = field(default=())

    def path(self, values: dict[str, Any]) -> str:
        return reverse(self.name, kwargs={parameter: values[parameter] for parameter in self.parameters})


def walk(resolver: URLResolver, namespace: str = "", above: tuple[str, ...] = ()) -> Iterator[Route]:
    for entry in resolver.url_patterns:
        parameters = (*above, *entry.pattern.regex.groupindex)
        if isinstance(entry, URLPattern):
            yield Route(name=f"{namespace}{entry.name or ''}", parameters=parameters)
        else:
            inner = f"{namespace}{entry.namespace}:" if entry.namespace else namespace
            yield from walk(entry, inner, parameters)


ROUTES = sorted(walk(get_resolver()), key=lambda route: route.name)
OWN = [route for route in ROUTES if not route.name.startswith("admin:")]
