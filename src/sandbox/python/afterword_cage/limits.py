"""Limits of one execution and how the kernel is told about them."""

from __future__ import annotations

import resource
import struct
from typing import NamedTuple

_HEADER = struct.Struct('<QQQQ')
HEADER_BYTES = _HEADER.size

#: After a MemoryError the runner still has to say so.
MEMORY_MARGIN_BYTES = 32 << 20
#: Before the handler has any: V8 sets 512 MB aside for compiled code, which count although they are not used, and
#: there are stacks of threads.
_DENO_OWN_BYTES = 576 << 20
_OPEN_FILES = 64
_STACK_BYTES = 8 << 20


class Limits(NamedTuple):
    """The header each connection starts with, in this order: four little-endian 64-bit numbers."""

    execution: int
    #: 0 for a process that is started ahead: its time is told later.
    wall_ms: int
    cpu_seconds: int
    memory_bytes: int

    @classmethod
    def unpack(cls, header: bytes) -> Limits:
        return cls(*_HEADER.unpack(header))


def own_address_space() -> int:
    """What the warmed interpreter takes up by itself. The handler's memory comes on top of it."""
    with open('/proc/self/statm', 'rb') as statm:
        return int(statm.read().split()[0]) * resource.getpagesize()


def apply_to_python(limits: Limits, base_bytes: int) -> None:
    memory = base_bytes + limits.memory_bytes
    _limit(resource.RLIMIT_AS, memory, memory + MEMORY_MARGIN_BYTES)
    _limit(resource.RLIMIT_STACK, _STACK_BYTES)
    _apply_common(limits)


def apply_to_deno(limits: Limits) -> None:
    # V8 reserves address space by the gigabyte, which RLIMIT_AS would count.
    _limit(resource.RLIMIT_DATA, limits.memory_bytes + _DENO_OWN_BYTES)
    _apply_common(limits)


def _apply_common(limits: Limits) -> None:
    # SIGXCPU at the limit, SIGKILL a second later should the handler ignore it.
    _limit(resource.RLIMIT_CPU, limits.cpu_seconds, limits.cpu_seconds + 1)
    _limit(resource.RLIMIT_NOFILE, _OPEN_FILES)
    for nothing in (resource.RLIMIT_FSIZE, resource.RLIMIT_MSGQUEUE, resource.RLIMIT_MEMLOCK):
        _limit(nothing, 0)
    # Not 0: the kernel still pipes the memory of a process that crashes to a collector where the machine has one. With 1 it
    # does not.
    _limit(resource.RLIMIT_CORE, 1)
    # Not RLIMIT_NPROC: it counts all threads of the user, so one handler's would stop its neighbours'.


def release_memory_margin() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (hard, hard))


def _limit(kind: int, soft: int, hard: int | None = None) -> None:
    """Clamped to what we inherited: asking for more is an error."""
    wanted = soft if hard is None else hard
    _, inherited = resource.getrlimit(kind)
    if inherited != resource.RLIM_INFINITY:
        wanted = min(wanted, inherited)
    resource.setrlimit(kind, (min(soft, wanted), wanted))
