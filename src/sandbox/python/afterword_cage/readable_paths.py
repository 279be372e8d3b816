"""What a handler may read: the interpreter's modules, shared libraries and time zones. Nothing of the user's."""

from __future__ import annotations

import os
import sys
import sysconfig

_SHARED = (
    '/lib',
    '/lib64',
    '/usr/lib',
    '/usr/lib64',
    '/usr/local/lib',
    '/etc/ld.so.cache',
    '/usr/share/zoneinfo',
    '/etc/localtime',
)
_TOO_WIDE = ('/', '/usr', '/home', '/root', '/etc', '/var', '/tmp', '/opt')


def readable_paths() -> list[str]:
    library = sysconfig.get_config_var('LIBDIR') or ''
    wanted = [*_SHARED, *sys.path, library]
    existing = {os.path.realpath(path) for path in wanted if path and os.path.exists(path)}
    return sorted(existing.difference(_TOO_WIDE))
