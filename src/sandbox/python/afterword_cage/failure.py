"""How a run ended badly, in words for the handler's author."""

from __future__ import annotations

import traceback
from typing import Any

from . import limits
from .user_traceback import format_traceback

_MOST_CHARACTERS = 4_000


class Refusal(Exception):
    """A rule of ours was broken; not an exception of the user's code."""

    def __init__(self, reason: str, type_name: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.type_name = type_name


def describe_failure(error: BaseException) -> dict[str, Any]:
    if isinstance(error, Refusal):
        return _failure(error.reason, error.type_name, str(error), '')
    if isinstance(error, MemoryError):
        # What the handler held is what is missing now.
        traceback.clear_frames(error.__traceback__)
        limits.release_memory_margin()
        # The host says how much it may have.
        return _failure('out_of_memory', 'MemoryError', '', format_traceback(error))
    if isinstance(error, SystemExit):
        message = (
            f'The handler left by sys.exit({_text_of(error)}). '
            'End a handler by returning from handle_event, or raise an exception to report a failure.'
        )
        return _failure('exited', 'SystemExit', message, format_traceback(error))
    return _failure('raised', type(error).__name__, _text_of(error), format_traceback(error))


def syntax_error(error: Exception) -> dict[str, Any]:
    """From compiling the handler: SyntaxError, or ValueError for characters no source text may have."""
    line = f' (line {error.lineno})' if isinstance(error, SyntaxError) and error.lineno else ''
    text = error.msg if isinstance(error, SyntaxError) else str(error)
    return _failure('syntax_error', type(error).__name__, f'{text}{line}', format_traceback(error))


def _failure(reason: str, type_name: str, message: str, trace: str) -> dict[str, Any]:
    return {
        't': 'done',
        'ok': False,
        'reason': reason,
        'type': type_name[:200],
        'message': message[:_MOST_CHARACTERS],
        'traceback': trace,
    }


def _text_of(error: BaseException) -> str:
    try:
        return str(error)
    except BaseException:  # a __str__ of the user's
        return f'<{type(error).__name__} whose text cannot be had>'
