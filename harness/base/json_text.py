"""JSON, for every file that the harness writes."""

from pathlib import Path
from typing import Any

import msgspec

_ENCODER = msgspec.json.Encoder(enc_hook=str)


def to_json(value: Any) -> bytes:
    """Return a value as one line of JSON. Dataclasses and structs become objects, instants and durations ISO 8601."""
    try:
        return _ENCODER.encode(value)
    except UnicodeEncodeError:
        return _ENCODER.encode(_without_lone_surrogates(msgspec.to_builtins(value, enc_hook=str)))


def write_json(path: Path, value: Any) -> None:
    """Write a value as indented JSON. Raises `OSError` if the file cannot be written."""
    path.write_bytes(msgspec.json.format(to_json(value), indent=2) + b"\n")


def _without_lone_surrogates(value: Any) -> Any:
    """Return a JSON value with U+FFFD in place of each lone surrogate, which JavaScript allows and UTF-8 does not."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict):
        return {_without_lone_surrogates(name): _without_lone_surrogates(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_without_lone_surrogates(part) for part in value]
    return value
