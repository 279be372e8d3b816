"""`requests` for a process without a network: the connections under it hand each request to the host.

Everything above a connection is the real library: sessions, cookies, redirects, authentication, retries, exceptions.
"""

from __future__ import annotations

import base64
import http.client
import io
import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

from urllib3 import exceptions
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.response import HTTPResponse

from .channel import Channel


class _Gateway:
    channel: Channel
    most_bytes: int


def install(channel: Channel, most_bytes: int) -> None:
    """For this process. `most_bytes`: the longest body; a longer one is refused before it is sent."""
    _Gateway.channel, _Gateway.most_bytes = channel, most_bytes
    HTTPConnectionPool.ConnectionCls = _Connection
    HTTPSConnectionPool.ConnectionCls = _SecureConnection


class _ThroughHost:
    """A connection of urllib3's that has no socket."""

    _open = False

    def connect(self) -> None:
        self._open = True
        # Only what the user switched off is not verified: then urllib3 warns, as always.
        self.is_verified = getattr(self, 'cert_reqs', None) != 'CERT_NONE'

    def close(self) -> None:
        self._open = False

    @property
    def is_closed(self) -> bool:
        return not self._open

    @property
    def is_connected(self) -> bool:
        return self._open

    def request(
        self,
        method: str,
        url: str,
        body: Any = None,
        headers: Mapping[str, Any] | None = None,
        *,
        chunked: bool = False,
        preload_content: bool = True,
        decode_content: bool = True,
        enforce_content_length: bool = True,
    ) -> None:
        if not self._open:
            self.connect()
        if getattr(self, 'cert_file', None) or self.proxy:
            raise exceptions.ProtocolError('Handlers send requests through Afterword: no proxies, no client certificates.')
        data = _bytes_of(body)
        if len(data) > _Gateway.most_bytes:
            raise exceptions.ProtocolError(
                f'The request body has {len(data)} bytes, more than the {_Gateway.most_bytes} allowed.'
            )
        self._method, self._preload, self._decode = method, preload_content, decode_content
        self._message = {
            'method': method,
            'url': self._origin() + url,
            'headers': [[_text(name), _text(value)] for name, value in (headers or {}).items()],
            'body': base64.b64encode(data).decode(),
            'connect': _seconds(self.timeout),
            'insecure': not self.is_verified,
        }

    def getresponse(self) -> HTTPResponse:
        """By now urllib3 has put the time to read where the time to connect was."""
        message = {**self._message, 'read': _seconds(self.timeout)}
        reply = _Gateway.channel.request('fetch', json.dumps(message)[1:-1])
        error = reply.get('err')
        if error is not None:
            raise self._exception(error['code'], error['message'])
        answer = reply['v']
        headers = http.client.HTTPMessage()
        for name, value in answer['headers']:
            headers[name] = value
        return HTTPResponse(
            body=io.BytesIO(base64.b64decode(answer['body'])),
            headers=headers.items(),
            status=answer['status'],
            version=11,
            version_string='HTTP/1.1',
            reason=answer['reason'],
            preload_content=self._preload,
            decode_content=self._decode,
            original_response=_OriginalResponse(headers),  # type: ignore[arg-type]
            request_method=self._method,
            request_url=self._message['url'],
        )

    def _origin(self) -> str:
        host = f'[{self.host}]' if ':' in self.host else self.host
        scheme = 'https' if isinstance(self, HTTPSConnection) else 'http'
        return f'{scheme}://{host}' if self.port in (None, self.default_port) else f'{scheme}://{host}:{self.port}'

    def _exception(self, code: str, message: str) -> Exception:
        if code == 'http_connect_timeout':
            return exceptions.ConnectTimeoutError(self, message)
        if code == 'http_read_timeout':
            return exceptions.ReadTimeoutError(None, self._message['url'], message)  # type: ignore[arg-type]
        if code in ('http_refused', 'http_name_unknown'):
            return exceptions.NewConnectionError(self, message)  # type: ignore[arg-type]
        if code == 'http_tls_failed':
            return exceptions.SSLError(message)
        if code == 'http_invalid_request':
            return exceptions.InvalidHeader(message)
        return exceptions.ProtocolError(message)


class _Connection(_ThroughHost, HTTPConnection):
    pass


class _SecureConnection(_ThroughHost, HTTPSConnection):
    pass


class _OriginalResponse:
    """What `requests` reads cookies from, and urllib3 closes."""

    def __init__(self, headers: http.client.HTTPMessage) -> None:
        self.msg = headers

    def isclosed(self) -> bool:
        return True

    def close(self) -> None:
        pass


def _bytes_of(body: str | bytes | Iterable[Any] | None) -> bytes:
    if body is None:
        return b''
    if isinstance(body, str):
        return body.encode()
    if isinstance(body, (bytes, bytearray, memoryview)):
        return bytes(body)
    if hasattr(body, 'read'):
        return _bytes_of(body.read())
    return b''.join(_bytes_of(part) for part in body)


def _seconds(timeout: object) -> float | None:
    # JSON has no infinity; None is the host's own time, which is the same to the handler.
    return timeout if isinstance(timeout, (int, float)) and 0 < timeout < math.inf else None


def _text(value: str | bytes) -> str:
    return value.decode('latin-1') if isinstance(value, bytes) else str(value)
