"""The child's end of its one connection: JSON lines, a message each.

Host to child: `exec` (followed by the context as raw JSON), `ret`. Child to host: `started`, `log`, `call`, `fetch`,
`done`, or `setup_failed` before `started`. The host trusts nothing that comes from here.
"""

from __future__ import annotations

import codecs
import json
import socket
import threading
from typing import Any

#: Lone surrogates have no UTF-8; the host would not take them either.
_REPLACE = 'afterword-replace'
codecs.register_error(_REPLACE, lambda error: (b'\xef\xbf\xbd' * (error.end - error.start), error.end))


def to_utf8(text: str) -> bytes:
    return text.encode('utf-8', _REPLACE)


_encoder = json.JSONEncoder(ensure_ascii=False, separators=(',', ':'))


class Channel:
    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._incoming = connection.makefile('rb', 65536)
        # Reentrant, because a finaliser that prints may run while its own thread is sending.
        self._sending = threading.RLock()
        self._requesting = threading.RLock()
        self._requests = 0
        self._finished = False

    def read_message(self) -> dict[str, Any]:
        line = self._incoming.readline()
        if not line.endswith(b'\n'):
            raise ConnectionError('the host closed the connection')
        return json.loads(line)

    def read_bytes(self, count: int) -> bytes:
        data = self._incoming.read(count)
        if len(data) != count:
            raise ConnectionError('the host closed the connection')
        return data

    def send(self, message: dict[str, Any]) -> None:
        self.send_line(_encoder.encode(message))

    def send_line(self, line: str) -> None:
        data = to_utf8(line) + b'\n'
        with self._sending:
            if not self._finished:
                self._connection.sendall(data)

    def request(self, kind: str, members: str) -> dict[str, Any]:
        """Asks the host and waits for its answer; one request at a time, whatever thread it comes from.

        `members` is JSON text, already checked: what stands inside the message's braces.
        """
        with self._requesting:
            self._requests += 1
            self.send_line(f'{{"t":"{kind}","id":{self._requests},{members}}}')
            return self.read_message()

    def finish(self, line: str) -> None:
        """The last line; what threads left behind send afterwards is dropped."""
        with self._sending:
            self.send_line(line)
            self._finished = True
