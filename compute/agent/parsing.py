"""Turns messages into bytes and back, refusing what does not have their form."""

import json
import types
from collections.abc import Hashable
from dataclasses import MISSING, asdict, fields, is_dataclass
from functools import cache
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

TEXT_MAX = 200  # characters, where a field does not say otherwise
MESSAGE_MAX_BYTES = 8 * 1024 * 1024


class Malformed(ValueError):
    """These bytes are not the message that was expected."""


Message = TypeVar("Message")


def to_json(message: Any) -> dict[str, Any]:
    return asdict(message)


def serialize(message: Any) -> bytes:
    return json.dumps(to_json(message), separators=(",", ":")).encode()


def parse(kind: type[Message], data: bytes) -> Message:
    """Return the message in these bytes. Raises Malformed."""
    if len(data) > MESSAGE_MAX_BYTES:
        raise Malformed("the message is too large")
    try:
        content = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise Malformed("the message is not JSON") from error
    return from_json(kind, content)


def from_json(kind: type[Message], content: Any) -> Message:
    """Return the message in this JSON value. Raises Malformed.

    Fields that this version does not know are ignored: either side may be newer.
    """
    if not isinstance(content, dict):
        raise Malformed(f"{kind.__name__} is not an object")
    values: dict[str, Any] = {}
    plan = _plan(kind)  # type: ignore[arg-type]
    for name, (hint, longest, required) in plan.items():
        if name in content:
            values[name] = _value(hint, content[name], name=name, longest=longest)
        elif required:
            raise Malformed(f"{name} is missing")
    return kind(**values)


@cache
def _plan(kind: Hashable) -> dict[str, tuple[Any, int, bool]]:
    assert isinstance(kind, type)
    hints = get_type_hints(kind)
    return {
        item.name: (
            hints[item.name],
            int(item.metadata.get("longest", TEXT_MAX)),
            item.default is MISSING and item.default_factory is MISSING,
        )
        for item in fields(kind)
    }


def _value(hint: Any, value: Any, *, name: str, longest: int) -> Any:
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        if value is None:
            return None
        hint = next(part for part in get_args(hint) if part is not types.NoneType)
        return _value(hint, value, name=name, longest=longest)
    if origin is list:
        if not isinstance(value, list):
            raise Malformed(f"{name} is not a list")
        (part,) = get_args(hint)
        return [_value(part, item, name=name, longest=longest) for item in value]
    if origin is dict:
        if not isinstance(value, dict):
            raise Malformed(f"{name} is not an object")
        return value
    if is_dataclass(hint):
        return from_json(hint, value)  # type: ignore[arg-type]
    return _scalar(hint, value, name=name, longest=longest)


def _scalar(hint: type, value: Any, *, name: str, longest: int) -> Any:
    """Return a text or number of this type; a bool is not a number here."""
    if hint is str and isinstance(value, str) and len(value) <= longest:
        if "\x00" in value:
            raise Malformed(f"{name} has a null character")
        return value
    if hint is int and type(value) is int and abs(value) < 2**53:
        return value
    if hint is float and type(value) in (int, float):
        try:
            return float(value)
        except OverflowError as error:
            raise Malformed(f"{name} is too large") from error
    raise Malformed(f"{name} is not a usable {hint.__name__}")
