"""The cage of a Python handler: a fork of the interpreter itself, which has read all it needs but modules."""

from __future__ import annotations

from collections.abc import Collection

from . import limits
from .cage import Cage, Rules
from .limits import Limits
from .readable_paths import readable_paths
from .syscall_numbers import OPENING_FILES, PERMITTED


def python_cage(layers: Collection[str], *, without_files: bool = False) -> Cage:
    """`without_files`: seccomp lets it open none at all, for systems without Landlock."""
    base_bytes = limits.own_address_space()

    def apply(of_execution: Limits) -> None:
        limits.apply_to_python(of_execution, base_bytes)

    permitted = {name: numbers for name, numbers in PERMITTED.items() if not (without_files and name in OPENING_FILES)}
    return Cage(layers, Rules(readable=readable_paths(), apply_limits=apply, permitted=permitted))
