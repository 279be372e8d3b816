"""Landlock: which files the handler may read (Python's own), and that it may write none and connect nowhere.

Rights are from the kernel's `linux/landlock.h`. The ruleset is a descriptor made once, before any fork; a child only
restricts itself with it, which saves some 0.5 ms a run.
"""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Iterable

from .kernel import system_call

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same numbers on every architecture
_VERSION_FLAG = 1
_PATH_BENEATH = 1

_EXECUTE = 1 << 0
_WRITE_FILE = 1 << 1
_READ_FILE = 1 << 2
_READ_DIR = 1 << 3
_ALL_OF_ABI_1 = (1 << 13) - 1
_FILE_RIGHTS_SINCE = {2: 1 << 13, 3: 1 << 14, 5: 1 << 15}  # refer, truncate, ioctl on devices
_BIND_AND_CONNECT_TCP = 0b11  # since ABI 4
_SCOPE_ABSTRACT_SOCKETS_AND_SIGNALS = 0b11  # since ABI 6

_DEVICES = {'/dev/null': _READ_FILE | _WRITE_FILE, '/dev/urandom': _READ_FILE}


def abi_version() -> int:
    """Raises OSError where the kernel has no Landlock, or has it switched off."""
    return system_call(
        _CREATE_RULESET, 'landlock_create_ruleset', None, ctypes.c_size_t(0), ctypes.c_uint32(_VERSION_FLAG)
    )


def build_ruleset(readable: Iterable[str], executable: Iterable[str] = ()) -> int:
    """A descriptor (closed on exec) that allows reading `readable`, running `executable` (files), and /dev/null and /dev/urandom."""
    abi = abi_version()
    file_rights = _ALL_OF_ABI_1
    for since, right in _FILE_RIGHTS_SINCE.items():
        file_rights |= right if abi >= since else 0
    attributes = [file_rights]
    if abi >= 4:
        attributes.append(_BIND_AND_CONNECT_TCP)
    if abi >= 6:
        attributes.append(_SCOPE_ABSTRACT_SOCKETS_AND_SIGNALS)
    packed = struct.pack(f'={len(attributes)}Q', *attributes)
    ruleset = system_call(
        _CREATE_RULESET,
        'landlock_create_ruleset',
        ctypes.c_char_p(packed),
        ctypes.c_size_t(len(packed)),
        ctypes.c_uint32(0),
    )
    for path in readable:
        # READ_DIR on something that is not a folder is EINVAL.
        _allow(ruleset, path, _READ_FILE | (_READ_DIR if os.path.isdir(path) else 0))
    for path in executable:
        _allow(ruleset, path, _READ_FILE | _EXECUTE)
    for path, rights in _DEVICES.items():
        _allow(ruleset, path, rights)
    return ruleset


def _allow(ruleset: int, path: str, rights: int) -> None:
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # not there: nothing to allow
    try:
        rule = struct.pack('=Qi', rights, descriptor)
        system_call(
            _ADD_RULE,
            f'landlock_add_rule for {path}',
            ctypes.c_int(ruleset),
            ctypes.c_int(_PATH_BENEATH),
            ctypes.c_char_p(rule),
            ctypes.c_uint32(0),
        )
    finally:
        os.close(descriptor)


def restrict_self(ruleset: int) -> None:
    """Needs no_new_privs. Cannot be undone."""
    system_call(_RESTRICT_SELF, 'landlock_restrict_self', ctypes.c_int(ruleset), ctypes.c_uint32(0))
