"""The JSON Schema of recordings, made from the classes with which the harness writes and reads them."""

import ast
import inspect
import json
import re
import textwrap
from datetime import datetime
from itertools import pairwise
from typing import Any, get_args, get_type_hints

import msgspec

from harness.base.journal_kinds import AnyKind
from harness.contract.observation import TabReturn, VisitFacts
from harness.contract.page import PageFacts
from harness.contract.recording import FILE, SCHEMA, Header

LINES = (Header, *get_args(AnyKind))
"""The classes of a recording's lines."""
PARTS = (PageFacts, VisitFacts, TabReturn)
"""The classes of which the header consists."""


def recording_schema() -> str:
    """Return docs/recording.schema.json as it should be."""
    references, definitions = msgspec.json.schema_components(LINES, ref_template="#/$defs/{name}")
    for described in (*LINES, *PARTS):
        _describe(described, definitions[described.__name__])
    definitions["Header"]["properties"]["schema"]["const"] = SCHEMA
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "recording.schema.json",
        "title": "A line of a recording",
        "description": f"The recording of a visit is a file {FILE}, which 'pbi-harness verify --record DIR' writes. Its "
        "first line is a Header. Each further line is an entry of the journal, oldest first, and its kind says which "
        "data it has.",
        "anyOf": list(references),
        "$defs": definitions,
    }
    return json.dumps(schema, indent=2) + "\n"


def _describe(described: type, definition: dict[str, Any]) -> None:
    """Add the descriptions in a class's docstrings, and the format of instants, to the definition of the class."""
    definition["description"] = _one_line((inspect.getdoc(described) or "").partition("\n\nAttributes:")[0])
    descriptions, types = _attributes(described), get_type_hints(described)
    for name, property in definition["properties"].items():
        if name in descriptions:
            property["description"] = descriptions[name]
        for alternative in property.get("anyOf", [property]):
            if datetime in (types.get(name), *get_args(types.get(name))) and alternative.get("type") == "string":
                alternative["format"] = "date-time"


def _attributes(described: type) -> dict[str, str]:
    """Return attribute -> description, from the docstrings below attributes and those with a section "Attributes"."""
    found: dict[str, str] = {}
    for owner in reversed(described.__mro__[:-1]):
        if owner.__module__.startswith("harness."):
            section = (owner.__doc__ or "").partition("Attributes:\n")[2]
            found |= {
                name: _one_line(text) for name, text in re.findall(r"^ {8}(\w+): (.+(?:\n {12}.+)*)", section, re.M)
            }
            found |= _docstrings_below(owner)
    return found


def _docstrings_below(owner: type) -> dict[str, str]:
    (definition,) = ast.parse(textwrap.dedent(inspect.getsource(owner))).body
    assert isinstance(definition, ast.ClassDef)
    found = {}
    for attribute, following in pairwise(definition.body):
        if (
            isinstance(attribute, ast.AnnAssign)
            and isinstance(attribute.target, ast.Name)
            and isinstance(following, ast.Expr)
            and isinstance(following.value, ast.Constant)
        ):
            found[attribute.target.id] = _one_line(str(following.value.value))
    return found


def _one_line(text: str) -> str:
    """Return a text of a docstring as one line, with JSON's word for None."""
    return re.sub(r"\bNone\b", "null", " ".join(text.split()))
