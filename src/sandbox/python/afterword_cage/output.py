"""stdout and stderr as messages: each write is sent at once, so that a kill loses nothing that was printed."""

from __future__ import annotations

import builtins
import io
import sys
from typing import Any

from .channel import Channel

_CHUNK_CHARACTERS = 8192


class OutputStream(io.TextIOBase):
    """A text stream like `sys.stdout`, with `.buffer` for bytes. There is no descriptor behind it."""

    encoding = 'utf-8'
    errors = 'replace'

    def __init__(self, channel: Channel, name: str) -> None:
        self._channel = channel
        self._stream = name
        self.buffer = _Bytes(self)

    @property
    def name(self) -> str:
        return f'<{self._stream}>'

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError(f'write() argument must be str, not {type(text).__name__}')
        for start in range(0, len(text), _CHUNK_CHARACTERS):
            chunk = text[start : start + _CHUNK_CHARACTERS]
            self._channel.send({'t': 'log', 's': self._stream, 'd': chunk})
        return len(text)

    def close(self) -> None:
        """Stays open: `exit()` closes what it finds, and the traceback is still to come."""


class _Bytes(io.RawIOBase):
    def __init__(self, text: OutputStream) -> None:
        self._text = text

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:
        self._text.write(bytes(data).decode('utf-8', 'replace'))
        return len(data)


_builtin_print = builtins.print


def print_at_once(
    *values: object, sep: str | None = ' ', end: str | None = '\n', file: Any = None, flush: bool = False
) -> None:
    """Prints the values to a stream, or to sys.stdout by default, as `print` does.

    The built-in writes each value and each separator by itself, which here would be four messages for two words.
    """
    target = sys.stdout if file is None else file
    sep, end = ' ' if sep is None else sep, '\n' if end is None else end
    if not (isinstance(target, OutputStream) and isinstance(sep, str) and isinstance(end, str)):
        return _builtin_print(*values, sep=sep, end=end, file=file, flush=flush)
    target.write(sep.join(map(str, values)) + end)


print_at_once.__name__ = print_at_once.__qualname__ = 'print'
print_at_once.__module__ = 'builtins'
