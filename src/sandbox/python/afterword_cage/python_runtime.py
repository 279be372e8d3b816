"""Python handlers: run by a fork of the warmed interpreter itself."""

from __future__ import annotations

import socket
import sys
from collections.abc import Collection
from typing import Any

from .cage import CONNECTION
from .channel import Channel
from .limits import Limits
from .python_cage import python_cage
from .run_handler import run_handler
from .warm import warm_up


class Python:
    def __init__(self, options: dict[str, Any], layers: Collection[str]) -> None:
        """`options`: `packageFolders`, besides the interpreter's own; `withoutFiles`, whether handlers may open none."""
        sys.path += options['packageFolders']
        without_files = options['withoutFiles']
        warm_up(without_files=without_files)
        self.cage = python_cage(layers, without_files=without_files)

    def run(self, _limits: Limits) -> None:
        run_handler(Channel(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, 0, fileno=CONNECTION)))
