"""Handlers give way to the worker that waits on them, and those that burn much CPU to all others.

Where the kernel shares the CPU among sessions first (autogroup), a niceness counts within its session only, and each session
gets as much as another. So all handlers of a language stay in its fork server's: many that burn CPU get no more than one would.
"""

from __future__ import annotations

import os

GREEDY_CPU_SECONDS = 1
_HANDLERS = 5
_LAST = 19


def lower_to_handlers() -> None:
    os.nice(_HANDLERS)


def lower_to_last(group: int) -> None:
    """All threads of a handler's process group."""
    try:
        os.setpriority(os.PRIO_PGRP, group, _LAST)
    except OSError:
        pass  # it has just ended
