"""Tracebacks with the user's frames only: ours and the standard library's would tell the author nothing."""

from __future__ import annotations

import linecache
import traceback

HANDLER_FILE = 'handler.py'
_MOST_CHARACTERS = 16_000


def register_source(code: str) -> None:
    """Tracebacks show source lines though there is no file."""
    linecache.cache[HANDLER_FILE] = (len(code), None, code.splitlines(keepends=True), HANDLER_FILE)


def format_traceback(error: BaseException) -> str:
    try:
        report = traceback.TracebackException(type(error), error, error.__traceback__)
        _keep_user_frames(report, set())
        text = ''.join(report.format())
    except Exception:  # an exception class of the user's that breaks when looked at
        return ''
    if len(text) <= _MOST_CHARACTERS:
        return text
    half = _MOST_CHARACTERS // 2
    return f'{text[:half]}\n  [… {len(text) - 2 * half} characters left out …]\n{text[-half:]}'


def _keep_user_frames(report: traceback.TracebackException | None, seen: set[int]) -> None:
    if report is None or id(report) in seen:
        return
    seen.add(id(report))
    report.stack = traceback.StackSummary.from_list([frame for frame in report.stack if frame.filename == HANDLER_FILE])
    for linked in (report.__cause__, report.__context__, *(getattr(report, 'exceptions', None) or ())):
        _keep_user_frames(linked, seen)
