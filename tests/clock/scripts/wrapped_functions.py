"""The functions of the browser that the clock's scripts wrap, one by one, for tests that have to cover each of them."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from harness.clock import scripts


@dataclass(frozen=True)
class WrappedFunction:
    """One function of wrapped_functions.json, in one kind of place."""

    object: str
    name: str
    kind: str
    """`method`, `constructor`, `getter` or `setter`."""
    where: str
    """`documents`, `workers`, `service workers` or `workers of workers`."""
    script: str | None
    """The script that wraps the function in a way of its own; None if the function is wrapped like others."""

    def __str__(self) -> str:
        accessor = {"getter": "get ", "setter": "set "}.get(self.kind, "")
        return f"{accessor}{self.object}.{self.name}"


def listed() -> Iterator[WrappedFunction]:
    """Yield each function of wrapped_functions.json, once for each kind of place."""
    for row in scripts.wrapped_functions():
        for api in row["apis"]:
            for entry in api["functions"]:
                for name in entry["functions"]:
                    for where in entry["where"]:
                        kind = entry.get("kind", "method")
                        yield WrappedFunction(entry["object"], name, kind, where, entry.get("script"))


def methods_of_documents() -> dict[str, list[str]]:
    """Return the methods that are wrapped in documents, by the path of their object."""
    methods = defaultdict(list)
    for function in listed():
        if function.where == "documents" and function.kind == "method":
            methods[function.object].append(function.name)
    return dict(methods)


def constructors_of_documents() -> list[str]:
    """Return the names of the constructors that are wrapped in documents."""
    return [function.name for function in listed() if function.where == "documents" and function.kind == "constructor"]


def interfaces_of_documents() -> list[str]:
    """Return the names of the interfaces with a function, or a constructor, that is wrapped in documents."""
    prototypes = {
        function.object.removesuffix(".prototype")
        for function in listed()
        if function.where == "documents" and function.object.endswith(".prototype") and function.object.count(".") == 1
    }
    return sorted(prototypes | set(constructors_of_documents()))
