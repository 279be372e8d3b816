"""Says what to use instead where a handler reaches for a network it does not have. The wall is seccomp, not this."""

from __future__ import annotations

import errno
import importlib.abc
import socket
import sys
from typing import Any

_ADVICE = 'Handlers have no network of their own; send HTTP requests with `requests`, which Afterword carries.'
_OTHER_CLIENTS = frozenset({'httpx', 'aiohttp', 'httplib2', 'pycurl', 'websockets', 'grpc', 'niquests'})


def install() -> None:
    create = socket.socket.__init__

    def __init__(
        self: socket.socket, family: int = -1, type: int = -1, proto: int = -1, fileno: int | None = None
    ) -> None:
        if fileno is None:
            raise _refused()
        create(self, family, type, proto, fileno)  # of a pair: event loops have one

    def no_names(*_args: Any, **_kwargs: Any) -> Any:
        raise _refused()

    socket.socket.__init__ = __init__  # type: ignore[method-assign]
    for name in ('getaddrinfo', 'gethostbyname', 'gethostbyname_ex', 'gethostbyaddr', 'create_connection'):
        setattr(socket, name, no_names)
    sys.meta_path.append(_OtherClients())


def _refused() -> PermissionError:
    return PermissionError(errno.EPERM, _ADVICE)


class _OtherClients(importlib.abc.MetaPathFinder):
    """Comes last: only where the module is not installed."""

    def find_spec(self, name: str, path: object, target: object = None) -> None:
        if name in _OTHER_CLIENTS:
            raise ModuleNotFoundError(f'No module named {name!r}. {_ADVICE}', name=name)
