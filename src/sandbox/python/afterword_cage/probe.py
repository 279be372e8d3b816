"""What this system can do for the cage, found out by doing it: a forked child is locked up and tries to get out."""

from __future__ import annotations

import os
import platform
import signal
import socket
import sys
from collections.abc import Callable
from typing import Any

from .cage import LANDLOCK, SECCOMP, Cage
from .landlock import abi_version
from .limits import Limits
from .python_cage import python_cage
from .seccomp import SeccompFilter

_PROBE_LIMITS = Limits(execution=0, wall_ms=5_000, cpu_seconds=5, memory_bytes=256 << 20)


def probe() -> dict[str, Any]:
    landlock, seccomp = _complaint(abi_version), _complaint(SeccompFilter)
    if not landlock:
        landlock = _try_in_child(python_cage([LANDLOCK]), _cannot_read_files)
    if not seccomp:
        seccomp = _try_in_child(python_cage([SECCOMP], without_files=True), _cannot_reach_out, _cannot_read_files)
    layers = [layer for layer, bad in ((LANDLOCK, landlock), (SECCOMP, seccomp)) if not bad]
    return {
        'version': platform.python_version(),
        'executable': sys.executable,
        'supported': True,
        'landlock': landlock,
        'seccomp': seccomp,
        'cage': _try_in_child(python_cage(layers)),
    }


def _complaint(attempt: Callable[[], object]) -> str | None:
    """None when it worked, else what went wrong."""
    try:
        attempt()
    except KeyError:
        return f'no table of system calls for {platform.machine()}'
    except OSError as error:
        return error.strerror or str(error)
    return None


def _try_in_child(cage: Cage, *attacks: Callable[[], str | None]) -> str | None:
    """None when a child could be caged and `attacks` were contained."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(reader)
            cage.enter(writer, _PROBE_LIMITS)
            complaint = next(filter(None, (attack() for attack in attacks)), None)
        except OSError as error:
            complaint = error.strerror or str(error)
        except BaseException as error:
            complaint = f'{type(error).__name__}: {error}'
        try:
            os.write(3, (complaint or '').encode())
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader, 'rb') as answer:
        complaint = answer.read().decode()
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status):
        return f'the child died of {signal.Signals(os.WTERMSIG(status)).name}'
    return complaint or None


def _cannot_read_files() -> str | None:
    for path in ('/etc/passwd', '/proc/self/environ'):
        try:
            with open(path, 'rb'):
                return f'{path} could be read in spite of it'
        except PermissionError:
            pass
    return None


def _cannot_reach_out() -> str | None:
    try:
        socket.socket().close()
        return 'a socket could be made in spite of it'
    except PermissionError:
        pass
    try:
        if os.fork() == 0:
            os._exit(0)
        return 'a process could be started in spite of it'
    except PermissionError:
        return None
