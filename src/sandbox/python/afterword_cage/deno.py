"""Deno in the cage: what it may read and run, and how it becomes of a forked child."""

from __future__ import annotations

import os
import re
from collections.abc import Collection
from typing import Any, NoReturn

from . import limits
from .cage import CONNECTION, Cage, Rules
from .limits import Limits
from .seccomp import CONDITIONS_FOR_DENO
from .setup_failed import setup_failed
from .syscall_numbers import PERMITTED_TO_DENO

_HEAP_SHARE = 0.75
_LOADER = re.compile(rb'/[\w./-]*/ld-linux[\w.-]*\.so\.\d+')
_LIBRARY_FOLDERS = ('/lib', '/lib64', '/usr/lib', '/usr/lib64')
_SYSTEM_FILES = ('/etc/ld.so.cache', '/etc/localtime', '/usr/share/zoneinfo')
_FLAGS = (
    'run',
    '--quiet',
    '--no-prompt',
    '--no-config',
    '--no-lock',
    '--no-npm',
    '--no-remote',
    '--cached-only',
    '--no-check',
    '--no-code-cache',
)
#: All that Deno and the handler ever know of an environment.
_ENVIRONMENT = {
    'PATH': '/nonexistent',
    'HOME': '/nonexistent',
    'DENO_DIR': '/nonexistent',
    'DENO_NO_UPDATE_CHECK': '1',
    'NO_COLOR': '1',
    'LANG': 'C.UTF-8',
    'TZ': 'UTC',
}


class Deno:
    def __init__(self, options: dict[str, Any], layers: Collection[str]) -> None:
        """`options`: `executable`, the binary itself; `runner`, the program it runs, alone with its parts in a folder."""
        self._executable = os.path.realpath(options['executable'])
        self._runner = os.path.realpath(options['runner'])
        loader = _loader_of(self._executable)
        rules = Rules(
            readable=[*_existing(_LIBRARY_FOLDERS), *_SYSTEM_FILES, os.path.dirname(self._runner)],
            executable=[self._executable, *loader],
            permitted=PERMITTED_TO_DENO,
            conditions=CONDITIONS_FOR_DENO,
            apply_limits=limits.apply_to_deno,
        )
        self.cage = Cage(layers, rules)

    def run(self, of_execution: Limits) -> NoReturn:
        """The connection is what Deno finds as stdin and stdout."""
        os.dup2(CONNECTION, 0)
        os.dup2(CONNECTION, 1)
        os.close(CONNECTION)
        try:
            self._become(of_execution)
        except BaseException as error:
            os.write(0, setup_failed(error))
            raise

    def _become(self, of_execution: Limits) -> NoReturn:
        heap = int(of_execution.memory_bytes * _HEAP_SHARE) >> 20
        arguments = ['deno', *_FLAGS, f'--v8-flags=--max-old-space-size={heap}', self._runner]
        os.execve(self._executable, arguments, _ENVIRONMENT)


def _existing(paths: Collection[str]) -> set[str]:
    return {os.path.realpath(path) for path in paths if os.path.isdir(path)}


def _loader_of(executable: str) -> list[str]:
    """The kernel runs the program's loader too. Its name stands among the first bytes."""
    with open(executable, 'rb') as binary:
        found = _LOADER.search(binary.read(4096))
    return [] if found is None else [os.path.realpath(found[0].decode())]
