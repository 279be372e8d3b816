"""The one exception helpers raise; a global of every handler."""

from __future__ import annotations


class HelperError(Exception):
    """A helper was refused or failed. `.code` is stable and meant for code, the message for people."""

    __module__ = 'builtins'  # so that tracebacks say `HelperError`

    def __init__(self, message: str, code: str = 'error') -> None:
        super().__init__(message)
        self.code = code
