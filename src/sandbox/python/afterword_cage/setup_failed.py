"""What a child says that could not be made ready for its handler."""

from __future__ import annotations

import json


def setup_failed(error: BaseException) -> bytes:
    """A line; the host believes it only before `started`."""
    message = json.dumps({'t': 'setup_failed', 'message': f'{type(error).__name__}: {error}'})
    return message.encode() + b'\n'
