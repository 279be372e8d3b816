"""Modules imported before the fork, so that handlers find them ready (`import requests` alone takes 50 ms)."""

from __future__ import annotations

import gc
import importlib
import warnings

_STANDARD = """
    abc array ast asyncio base64 bisect calendar collections collections.abc colorsys concurrent.futures.thread
    contextlib contextvars copy csv dataclasses datetime decimal difflib email.message email.utils encodings.idna enum
    fractions functools hashlib heapq hmac html html.parser http.client http.cookies inspect io itertools json
    linecache locale logging math numbers operator pathlib pprint queue random re secrets statistics string struct
    tempfile textwrap threading time traceback types typing unicodedata urllib.parse urllib.request uuid
    xml.etree.ElementTree zlib zoneinfo
""".split()
_WHERE_INSTALLED = ('requests', 'tzdata', 'weni', f'{__package__}.http_requests')


def warm_up() -> None:
    for name in _STANDARD:
        importlib.import_module(name)
    for name in _WHERE_INSTALLED:
        try:
            importlib.import_module(name)
        except Exception:  # not installed, or broken: then the handler's own import says so
            pass
    # What the handler's own lines cause is for its author to see.
    warnings.filterwarnings('default', category=DeprecationWarning, module='handler')
    # Legacy registration says so once a run, from however many lines.
    warnings.filterwarnings('once', message=r'Event\.', category=DeprecationWarning)
    gc.collect()
    gc.freeze()
