"""Locks the calling process up for good: built once in the fork server, entered by each child."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Collection
from typing import NamedTuple

from . import kernel
from .landlock import build_ruleset, restrict_self
from .limits import Limits
from .seccomp import CONDITIONS, Conditions, SeccompFilter
from .syscall_numbers import PERMITTED, Numbers

LANDLOCK, SECCOMP = 'landlock', 'seccomp'
CONNECTION = 3
_RULESET = 4


def _moved_up(descriptor: int) -> int:
    return fcntl.fcntl(descriptor, fcntl.F_DUPFD, _RULESET + 1)


class Rules(NamedTuple):
    """What one runtime needs of the system."""

    readable: Collection[str]
    #: Tells the kernel the limits of an execution.
    apply_limits: Callable[[Limits], None]
    executable: Collection[str] = ()
    permitted: Numbers = PERMITTED
    conditions: Conditions = CONDITIONS


class Cage:
    def __init__(self, layers: Collection[str], rules: Rules) -> None:
        """`layers`: LANDLOCK and SECCOMP; leaving one out is for `unsandboxed` on a system that lacks it."""
        self._rules = rules
        self._ruleset = build_ruleset(rules.readable, rules.executable) if LANDLOCK in layers else None
        self._filter = SeccompFilter(permitted=rules.permitted, conditions=rules.conditions) if SECCOMP in layers else None

    def enter(self, connection: int, execution_limits: Limits) -> None:
        """Afterwards descriptor CONNECTION is the connection, 0 to 2 lead nowhere, and there are no others."""
        self._keep_only(connection)
        kernel.be_first_to_go()
        kernel.forbid_tracing()
        kernel.drop_capabilities()
        kernel.forbid_new_privileges()
        self._rules.apply_limits(execution_limits)
        if self._ruleset is not None:
            restrict_self(_RULESET)
            os.close(_RULESET)
        if self._filter is not None:
            self._filter.install(os.getpid())

    def _keep_only(self, connection: int) -> None:
        # First out of the way, then into place: any of them may hold a number that is wanted. Each opens its own /dev/null:
        # one that all share has flags (O_NONBLOCK) that a handler could set for its neighbours and successors.
        connection, null = _moved_up(connection), _moved_up(os.open('/dev/null', os.O_RDWR))
        ruleset = None if self._ruleset is None else _moved_up(self._ruleset)
        for standard in (0, 1, 2):
            os.dup2(null, standard)
        os.dup2(connection, CONNECTION)
        if ruleset is not None:
            os.dup2(ruleset, _RULESET)
        kernel.close_from(CONNECTION + 1 if ruleset is None else _RULESET + 1)
