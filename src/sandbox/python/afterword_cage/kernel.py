"""The few system calls Python has no function for, through ctypes, with errors raised as OSError."""

from __future__ import annotations

import ctypes
import os

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long

_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_SET_SECCOMP = 22
_PR_SET_NO_NEW_PRIVS = 38
_SECCOMP_MODE_FILTER = 2
_CAPABILITY_VERSION_3 = 0x20080522
_CLOSE_RANGE = 436  # the same number on every architecture
_LAST_DESCRIPTOR = 0xFFFFFFFF


class _FilterProgram(ctypes.Structure):
    _fields_ = [('length', ctypes.c_ushort), ('instructions', ctypes.c_void_p)]


def _checked(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f'{what}: {os.strerror(number)}')
    return result


def system_call(number: int, what: str, *arguments: object) -> int:
    return _checked(_libc.syscall(ctypes.c_long(number), *arguments), what)


def _prctl(what: str, option: int, *arguments: object) -> None:
    _checked(_libc.prctl(option, *(ctypes.c_ulong(a) if isinstance(a, int) else a for a in arguments)), what)


def die_with_parent(signal_number: int) -> None:
    _prctl('prctl(PR_SET_PDEATHSIG)', _PR_SET_PDEATHSIG, signal_number, 0, 0, 0)


def be_first_to_go() -> None:
    """When the machine runs out of memory, a handler goes before the worker and the fork server do."""
    with open('/proc/self/oom_score_adj', 'wb', buffering=0) as score:
        score.write(b'1000')


def forbid_tracing() -> None:
    """No core dump, no ptrace, and /proc/<pid> belongs to root."""
    _prctl('prctl(PR_SET_DUMPABLE)', _PR_SET_DUMPABLE, 0, 0, 0, 0)


def forbid_new_privileges() -> None:
    _prctl('prctl(PR_SET_NO_NEW_PRIVS)', _PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def install_filter(instructions: bytes) -> None:
    """`instructions`: packed `struct sock_filter`s, 8 bytes each."""
    buffer = ctypes.create_string_buffer(instructions, len(instructions))
    program = _FilterProgram(len(instructions) // 8, ctypes.addressof(buffer))
    _prctl('prctl(PR_SET_SECCOMP)', _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0)


def drop_capabilities() -> None:
    """A worker that runs as root must not hand its handlers root's powers. Nothing happens to anybody else."""
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    nothing = (ctypes.c_uint32 * 6)()
    _checked(_libc.capset(header, nothing), 'capset')


def close_from(first: int) -> None:
    """Closes every descriptor from `first` on, however many there are."""
    try:
        system_call(_CLOSE_RANGE, 'close_range', ctypes.c_uint(first), ctypes.c_uint(_LAST_DESCRIPTOR), ctypes.c_uint(0))
    except OSError:  # kernels before 5.9, which have no Landlock either: only ever reached unsandboxed
        for name in os.listdir('/proc/self/fd'):
            if int(name) >= first:
                try:
                    os.close(int(name))
                except OSError:
                    pass  # the descriptor of the listing itself
