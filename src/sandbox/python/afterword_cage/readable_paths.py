"""What a handler may read: the interpreter's modules, shared libraries and time zones. Nothing of the user's."""

from __future__ import annotations

import os
import re
import sys

_ALWAYS = ('/etc/ld.so.cache', '/etc/localtime', '/usr/share/zoneinfo')
#: Never as a whole, even if a library or a path entry lies right in it.
_TOO_WIDE = {'/', '/usr', '/usr/local', '/usr/local/lib', '/home', '/root', '/etc', '/var', '/tmp', '/opt', '/srv'}
_SHARED_LIBRARY = re.compile(r'(/\S+)/[^/]+\.so[.0-9]*$')


def readable_paths() -> list[str]:
    wanted = [*_ALWAYS, *sys.path, *_library_folders()]
    existing = {os.path.realpath(path) for path in wanted if path and os.path.exists(path)}
    return sorted(existing - _TOO_WIDE)


def _library_folders() -> set[str]:
    """Where the libraries lie that the warmed interpreter uses; what a handler imports later needs the same folders."""
    with open('/proc/self/maps', encoding='utf-8', errors='replace') as maps:
        return {match[1] for line in maps if (match := _SHARED_LIBRARY.search(line.rstrip()))}
