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

_THREAD = 0x10000
_NEW_NAMESPACES = 0x7E020000 | 0x80
_OWN_PROCESS = (0, OWN_PID)

#: Calls that are allowed for some arguments only.
CONDITIONS: Conditions = {
    # Threads, but no processes.
    'clone': (Condition(0, (_THREAD,), mask=_THREAD | _NEW_NAMESPACES),),
    # What an asyncio loop wakes itself with. A datagram pair could be sent to any socket path on the machine.
    'socketpair': (Condition(0, (1,)), Condition(1, (1,), mask=0xF)),
    # Duplicating and flags; not F_SETOWN, which makes the kernel signal other processes.
    'fcntl': (Condition(1, (0, 1, 2, 3, 4, 1030)),),
    # TCGETS (isatty), FIONREAD, FIONBIO, FIONCLEX, FIOCLEX.
    'ioctl': (Condition(1, (0x5401, 0x541B, 0x5421, 0x5450, 0x5451)),),
    # PR_SET_NAME, PR_GET_NAME; above all not PR_SET_PDEATHSIG.
    'prctl': (Condition(0, (15, 16)),),
    'kill': (Condition(0, (OWN_PID,)),),
    'tgkill': (Condition(0, (OWN_PID,)),),
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
