"""An interpreter that forks a caged child of its one runtime for each connection.

The host kills a child by closing its connection; the deadline here is the backstop should the host be stuck. When the
host itself goes away our stdin ends, and everything dies. How a child ended is reported on stdout, a pipe no child
has, so that it cannot be forged; the connection is closed just before, so that nothing follows it.
"""

from __future__ import annotations

import gc
import json
import math
import os
import resource
import select
import signal
import socket
import struct
import sys
import time
from typing import Any, Protocol

from . import priority
from .cage import CONNECTION, Cage
from .kernel import die_with_parent
from .limits import HEADER_BYTES, Limits
from .setup_failed import setup_failed

_BACKLOG = 1024
_HEADER_TIMEOUT_SECONDS = 5
_BACKSTOP_SECONDS = 2
_WATCH_SECONDS = 0.25
#: No limit of the kernel's counts the threads of one process, and each costs it memory that no limit counts either.
MOST_THREADS = 256
_STDIN = 0
_TICKS_A_SECOND = os.sysconf('SC_CLK_TCK')
#: What the host tells of a process that was started ahead: which execution's number it has, and its time from now.
_BEGIN = struct.Struct('<QQ')


class Runtime(Protocol):
    cage: Cage

    def run(self, limits: Limits) -> None:
        """In the cage already; CONNECTION leads to the host. When it returns or raises the process ends."""


class _Child:
    def __init__(self, pid: int, connection: socket.socket, limits: Limits) -> None:
        self.pid = pid
        self.execution = limits.execution
        self.connection = connection
        self.exited = os.pidfd_open(pid)
        self.deadline = math.inf
        self.cause: str | None = None
        self._greedy = False
        if limits.wall_ms:
            self.has_time(limits.wall_ms)

    def has_time(self, wall_ms: int) -> None:
        self.deadline = time.monotonic() + wall_ms / 1000 + _BACKSTOP_SECONDS

    def kill(self, cause: str) -> None:
        """Only while it has not been waited for, so the pid is still its own. The first cause counts."""
        self.cause = self.cause or cause
        for kill, target in ((os.killpg, self.pid), (os.kill, self.pid)):
            try:
                kill(target, signal.SIGKILL)
            except OSError:
                pass  # no group yet, or already dead

    def watch(self, now: float) -> None:
        threads, cpu_seconds = self._usage()
        if self.deadline <= now:
            self.kill('deadline')
        elif threads > MOST_THREADS:
            self.kill('threads')
        elif cpu_seconds > priority.GREEDY_CPU_SECONDS and not self._greedy:
            self._greedy = True
            priority.lower_to_last(self.pid)

    def _usage(self) -> tuple[int, float]:
        """Threads, and the CPU time of all of them."""
        try:
            with open(f'/proc/{self.pid}/stat', 'rb') as stat:
                fields = stat.read().rpartition(b')')[2].split()
            return int(fields[17]), (int(fields[11]) + int(fields[12])) / _TICKS_A_SECOND
        except (OSError, IndexError, ValueError):
            return 0, 0.0


class _ForkServer:
    def __init__(self, path: str, runtime: Runtime) -> None:
        self._runtime = runtime
        self._pid = os.getpid()
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(path)
        self._listener.listen(_BACKLOG)
        self._events = select.epoll()
        self._events.register(self._listener, select.EPOLLIN)
        self._events.register(_STDIN, select.EPOLLIN)
        self._by_connection: dict[int, _Child] = {}
        self._by_exit: dict[int, _Child] = {}

    def run(self) -> None:
        """Until the host goes away."""
        next_watch = time.monotonic() + _WATCH_SECONDS
        while True:
            wait = max(next_watch - time.monotonic(), 0) if self._by_exit else -1
            # One event at a time: in a batch a later event may name a descriptor that an earlier one closed and
            # a new child has been given since.
            for descriptor, _ in self._events.poll(wait, 1):
                if descriptor == _STDIN:
                    told = os.read(_STDIN, _BEGIN.size)
                    if not told:
                        return self._end_all()
                    self._begin(*_BEGIN.unpack(told))
                elif descriptor == self._listener.fileno():
                    self._accept()
                elif descriptor in self._by_exit:
                    self._reap(self._by_exit[descriptor])
                elif descriptor in self._by_connection:
                    self._hang_up(descriptor)
            if time.monotonic() >= next_watch:
                self._watch()
                next_watch = time.monotonic() + _WATCH_SECONDS

    def _begin(self, execution: int, wall_ms: int) -> None:
        for child in self._by_exit.values():
            if child.execution == execution:
                child.has_time(wall_ms)

    def _watch(self) -> None:
        now = time.monotonic()
        for child in self._by_exit.values():
            child.watch(now)

    def _accept(self) -> None:
        connection, _ = self._listener.accept()
        connection.settimeout(_HEADER_TIMEOUT_SECONDS)
        try:
            header = connection.recv(HEADER_BYTES, socket.MSG_WAITALL)
        except OSError:
            header = b''
        if len(header) != HEADER_BYTES:
            return connection.close()
        connection.setblocking(True)
        limits = Limits.unpack(header)
        try:
            pid = os.fork()
        except OSError as error:
            connection.close()
            return _report({'id': limits.execution, 'failed': f'fork: {error.strerror}'})
        if pid == 0:
            self._become_child(connection, limits)
        child = _Child(pid, connection, limits)
        self._by_exit[child.exited] = child
        self._by_connection[connection.fileno()] = child
        self._events.register(child.exited, select.EPOLLIN)
        self._events.register(connection, select.EPOLLRDHUP)

    def _become_child(self, connection: socket.socket, limits: Limits) -> None:
        """Never returns."""
        try:
            self._forget_neighbours()
            _enter_cage(self._runtime.cage, connection.fileno(), limits, self._pid)
            self._runtime.run(limits)
        finally:
            # Nothing of the parent's may run in the child, and threads of the user's may not keep it alive.
            os._exit(0)

    def _forget_neighbours(self) -> None:
        """In a child, whose handler could look up in our objects which others run. The cage closes their connections."""
        for neighbour in self._by_exit.values():
            neighbour.connection.detach()
        self._by_exit.clear()
        self._by_connection.clear()

    def _hang_up(self, descriptor: int) -> None:
        self._events.unregister(descriptor)
        self._by_connection.pop(descriptor).kill('hangup')

    def _reap(self, child: _Child) -> None:
        child.kill('exited')  # before the wait: sweeps up what it may have left in its group
        _, status, usage = os.wait4(child.pid, 0)
        if self._by_connection.pop(child.connection.fileno(), None):
            self._events.unregister(child.connection)
        self._events.unregister(child.exited)
        del self._by_exit[child.exited]
        os.close(child.exited)
        child.connection.close()
        _report(
            {
                'id': child.execution,
                'cause': child.cause,
                'signal': os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0,
                'code': os.WEXITSTATUS(status) if os.WIFEXITED(status) else 0,
                'cpuMs': round((usage.ru_utime + usage.ru_stime) * 1000),
                'maxRssBytes': usage.ru_maxrss * 1024,
            }
        )

    def _end_all(self) -> None:
        for child in self._by_exit.values():
            child.kill('host')
        for child in self._by_exit.values():
            os.waitpid(child.pid, 0)


def _enter_cage(cage: Cage, connection: int, limits: Limits, parent: int) -> None:
    os.setpgid(0, 0)
    priority.lower_to_handlers()
    die_with_parent(signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(0)  # it died before we asked to die with it
    try:
        cage.enter(connection, limits)
    except BaseException as error:
        message = setup_failed(error)
        try:
            os.write(connection, message)
        except OSError:
            os.write(CONNECTION, message)
        raise


def _report(message: dict[str, Any]) -> None:
    os.write(sys.__stdout__.fileno(), json.dumps(message).encode() + b'\n')


def _remove(path: str) -> None:
    """With the folder it was given for itself: a host that was killed cannot."""
    for remove, what in ((os.unlink, path), (os.rmdir, os.path.dirname(path))):
        try:
            remove(what)
        except OSError:
            pass  # the host was faster


def _runtime(options: dict[str, Any]) -> Runtime:
    """Imported here: a process that becomes Deno is the cheaper the less its parent has loaded."""
    if 'deno' in options:
        from .deno import Deno

        return Deno(options['deno'], options['layers'])
    from .python_runtime import Python

    return Python(options['python'], options['layers'])


def serve(options: dict[str, Any]) -> None:
    """`options`: `socket`, the path to listen on; `layers`, those of the cage this system has; and either `python`, as of
    `Python`, or `deno`, as of `Deno`.
    """
    os.chdir('/')
    _, most_files = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most_files, most_files))
    try:
        server = _ForkServer(options['socket'], _runtime(options))
        # What is collected in a child is what it made itself: nobody's pages are written to for that.
        gc.collect()
        gc.freeze()
        _report({'ready': True})  # fails where the host is gone already
        server.run()
    finally:
        _remove(options['socket'])
