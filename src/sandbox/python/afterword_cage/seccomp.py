"""seccomp: the system calls a handler may make, as a program for the kernel's filter machine.

Built once; only the child's own pid is written into a copy of it after the fork.
"""

from __future__ import annotations

import platform
import struct
from collections.abc import Iterable
from typing import NamedTuple

from .kernel import install_filter
from .syscall_numbers import FIRST_UNIFORM_NUMBER, PERMITTED, Numbers, numbers_for

_LOAD, _AND, _RETURN = 0x20, 0x54, 0x06
_JUMP_EQUAL, _JUMP_AT_LEAST = 0x15, 0x35
_ALLOW, _KILL_PROCESS = 0x7FFF0000, 0x80000000
_EPERM, _ENOSYS = 0x00050001, 0x00050026
_AUDIT_ARCHITECTURE = {'x86_64': 0xC000003E, 'aarch64': 0xC00000B7}
_X32_BIT = 0x40000000

_OFFSET_NUMBER, _OFFSET_ARCHITECTURE = 0, 4


class _OwnPid:
    """Stands for the pid of the process that will install the filter."""


OWN_PID = _OwnPid()


class Condition(NamedTuple):
    """The argument, after masking, must be one of the values. Pids, commands and flags are all in the low 32 bits."""

    argument: int
    values: tuple[int | _OwnPid, ...]
    mask: int | None = None


Conditions = dict[str, tuple[Condition, ...]]

_THREAD, _SAME_DESCRIPTORS = 0x10000, 0x400
_NEW_NAMESPACES = 0x7E020000 | 0x80
_OWN_PROCESS = (0, OWN_PID)
_OUT_OF_BAND = 0x1
#: The machine's and its own; those that are made of a pid tell how busy any process is, to the nanosecond.
_CLOCKS = (Condition(0, (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11)),)
_FUTEX_COMMAND = 0x7F

#: Calls that are allowed for some arguments only.
CONDITIONS: Conditions = {
    # Threads, but no processes. Descriptors are limited for each table of them: a thread with one of its own could fill as
    # many sockets again, in memory of the kernel's that counts as nobody's.
    'clone': (
        Condition(0, (_THREAD | _SAME_DESCRIPTORS,), mask=_THREAD | _SAME_DESCRIPTORS | _NEW_NAMESPACES),
    ),
    # What an asyncio loop wakes itself with. A datagram pair could be sent to any socket path on the machine.
    'socketpair': (Condition(0, (1,)), Condition(1, (1,), mask=0xF)),
    # A corner of Unix sockets that nobody needs and through which programs have got out of browsers' cages.
    'sendto': (Condition(3, (0,), mask=_OUT_OF_BAND),),
    'recvfrom': (Condition(3, (0,), mask=_OUT_OF_BAND),),
    # SO_TYPE, SO_ERROR, SO_SNDBUF, SO_RCVBUF, SO_PROTOCOL, SO_DOMAIN; not a descriptor of the process at the other end.
    'getsockopt': (Condition(1, (1,)), Condition(2, (3, 4, 7, 8, 38, 39))),
    # Duplicating and flags; not F_SETOWN, which makes the kernel signal other processes.
    'fcntl': (Condition(1, (0, 1, 2, 3, 4, 1030)),),
    # TCGETS (isatty), FIONREAD, FIONBIO, FIONCLEX, FIOCLEX.
    'ioctl': (Condition(1, (0x5401, 0x541B, 0x5421, 0x5450, 0x5451)),),
    # WAIT, WAKE, REQUEUE, CMP_REQUEUE, WAKE_OP, WAIT_BITSET, WAKE_BITSET; not those that inherit priorities.
    'futex': (Condition(1, (0, 1, 3, 4, 5, 9, 10), mask=_FUTEX_COMMAND),),
    # What concerns its own memory only: not merging it with that of others, nor putting shared pages out of memory.
    'madvise': (Condition(2, (0, 1, 2, 3, 4, 8, 10, 11, 14, 15, 16, 17, 18, 19, 22, 23, 102, 103)),),
    'clock_gettime': _CLOCKS,
    'clock_getres': _CLOCKS,
    'clock_nanosleep': _CLOCKS,
    # PR_SET_NAME, PR_GET_NAME; above all not PR_SET_PDEATHSIG.
    'prctl': (Condition(0, (15, 16)),),
    'kill': (Condition(0, (OWN_PID,)),),
    'tgkill': (Condition(0, (OWN_PID,)),),
    'getpgid': (Condition(0, _OWN_PROCESS),),
    'getsid': (Condition(0, _OWN_PROCESS),),
    'prlimit64': (Condition(0, _OWN_PROCESS),),
    'sched_getaffinity': (Condition(0, _OWN_PROCESS),),
    'sched_setaffinity': (Condition(0, _OWN_PROCESS),),
}

#: Threads of Deno ask for their own, by their thread's number, which no filter can know ahead. It only reads.
CONDITIONS_FOR_DENO = {name: asked for name, asked in CONDITIONS.items() if name != 'sched_getaffinity'}


class _Instruction(NamedTuple):
    code: int
    value: int | _OwnPid
    if_true: int = 0
    if_false: int = 0


def _argument_offset(index: int) -> int:
    return 16 + 8 * index  # the low half: both architectures are little-endian


def _check(condition: Condition) -> Iterable[_Instruction]:
    """Falls through when the condition holds, refuses otherwise."""
    yield _Instruction(_LOAD, _argument_offset(condition.argument))
    if condition.mask is not None:
        yield _Instruction(_AND, condition.mask)
    count = len(condition.values)
    for index, value in enumerate(condition.values):
        yield _Instruction(_JUMP_EQUAL, value, if_true=count - index)
    yield _Instruction(_RETURN, _EPERM)


def _program(machine: str, permitted: Numbers, conditions: Conditions) -> list[_Instruction]:
    program = [
        _Instruction(_LOAD, _OFFSET_ARCHITECTURE),
        _Instruction(_JUMP_EQUAL, _AUDIT_ARCHITECTURE[machine], if_true=1),
        _Instruction(_RETURN, _KILL_PROCESS),
        _Instruction(_LOAD, _OFFSET_NUMBER),
    ]
    if machine == 'x86_64':
        program += [_Instruction(_JUMP_AT_LEAST, _X32_BIT, if_false=1), _Instruction(_RETURN, _KILL_PROCESS)]
    for name, number in numbers_for(machine, permitted).items():
        body = [step for condition in conditions.get(name, ()) for step in _check(condition)]
        body.append(_Instruction(_RETURN, _ALLOW))
        program.append(_Instruction(_JUMP_EQUAL, number, if_false=len(body)))
        program += body
    program += [
        # clone3 hides its flags in memory a filter cannot read; glibc falls back to clone when it is missing.
        _Instruction(_JUMP_AT_LEAST, FIRST_UNIFORM_NUMBER, if_false=1),
        _Instruction(_RETURN, _ENOSYS),
        _Instruction(_RETURN, _EPERM),
    ]
    return program


class SeccompFilter:
    """KeyError for an architecture it has no table for."""

    def __init__(
        self, machine: str | None = None, permitted: Numbers = PERMITTED, conditions: Conditions = CONDITIONS
    ) -> None:
        program = _program(machine or platform.machine(), permitted, conditions)
        self._packed = b''.join(
            struct.pack('=HBBI', step.code, step.if_true, step.if_false, 0 if step.value is OWN_PID else step.value)
            for step in program
        )
        self._pid_offsets = [8 * index + 4 for index, step in enumerate(program) if step.value is OWN_PID]

    def install(self, own_pid: int) -> None:
        """Needs no_new_privs. Cannot be undone."""
        program = bytearray(self._packed)
        for offset in self._pid_offsets:
            struct.pack_into('=I', program, offset, own_pid)
        install_filter(bytes(program))
