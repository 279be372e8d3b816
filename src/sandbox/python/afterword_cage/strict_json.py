"""Python values to JSON text, strictly: what JSON cannot hold is refused with its place and what to do about it.

As in Python's own encoder tuples become lists and keys that are numbers become strings; NaN and Infinity are refused.
"""

from __future__ import annotations

import json
import math
from typing import Any

_encoder = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(',', ':'))
_HINTS = {
    'datetime': 'use .isoformat()',
    'date': 'use .isoformat()',
    'time': 'use .isoformat()',
    'timedelta': 'use .total_seconds()',
    'Decimal': 'use str() or float()',
    'UUID': 'use str()',
    'set': 'use list()',
    'frozenset': 'use list()',
    'bytes': 'use .decode()',
    'generator': 'use list()',
    'dict_keys': 'use list()',
    'dict_values': 'use list()',
    'Response': 'use .json(), .text or .status_code',
    'coroutine': 'await it',
}


class NotJson(Exception):
    """The message is for the handler's author."""


def to_json(value: Any, name: str) -> str:
    """`name` is what messages call the value, e.g. `result`."""
    try:
        return _encoder.encode(value)
    except RecursionError:
        raise NotJson(f'{name} is nested too deeply for JSON.') from None
    except (TypeError, ValueError) as error:
        raise NotJson(_fault(value, name, []) or f'{name} is not JSON: {error}.') from None


def _fault(value: Any, place: str, above: list[int]) -> str | None:
    """The first thing in `value` that JSON cannot hold; `above` are the ids of the containers around it."""
    if value is None or isinstance(value, (bool, str)):
        return None
    if isinstance(value, int):
        try:
            int.__repr__(value)
        except ValueError:
            return f'{place} is a number of more than 4300 digits, which is too long for JSON.'
        return None
    if isinstance(value, float):
        return None if math.isfinite(value) else f'{place} is {float.__repr__(value)}, which JSON cannot hold.'
    if not isinstance(value, (dict, list, tuple)):
        kind = type(value).__name__
        hint = f' ({_HINTS[kind]})' if kind in _HINTS else ''
        return f'{place} is of type {kind}, which JSON cannot hold; convert it first{hint}.'
    if id(value) in above:
        return f'{place} contains itself, which JSON cannot hold.'
    inside = [*above, id(value)]
    if isinstance(value, dict):
        for key, item in value.items():
            if not (key is None or isinstance(key, (str, int, float))):
                return f'{place} has a key of type {type(key).__name__}; keys must be strings.'
            if isinstance(key, float) and not math.isfinite(key):
                return f'{place} has the key {key!r}, which JSON cannot hold.'
            fault = _fault(item, f'{place}[{key!r}]', inside)
            if fault:
                return fault
        return None
    for index, item in enumerate(value):
        fault = _fault(item, f'{place}[{index}]', inside)
        if fault:
            return fault
    return None
