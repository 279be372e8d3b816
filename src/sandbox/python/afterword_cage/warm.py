"""Modules imported before the fork, so that handlers find them ready (`import requests` alone takes 50 ms)."""

from __future__ import annotations

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


#: What else handlers import, for systems on which they can open no file.
_MORE_STANDARD = """
    argparse base64 binascii bz2 cmath codecs concurrent.futures configparser copyreg ctypes difflib email.header
    email.mime.multipart email.mime.text email.parser email.policy encodings.ascii encodings.cp1252
    encodings.iso8859_15 encodings.latin_1 encodings.punycode encodings.utf_16 encodings.utf_8_sig errno fnmatch
    getpass gettext glob graphlib gzip http http.cookiejar importlib.resources ipaddress json.decoder json.tool keyword
    lzma marshal mimetypes optparse os os.path pickle platform plistlib pstats quopri reprlib sched select selectors
    shelve shlex shutil signal socket sqlite3 ssl stat stringprep struct symtable sysconfig tarfile timeit tokenize
    traceback tracemalloc types unittest unittest.mock urllib.error urllib.robotparser weakref xml.dom.minidom
    xml.etree.ElementTree xml.sax xmlrpc.client zipfile
""".split()
#: Kept, so that the interpreter's own weak cache has them.
_ZONES: list[object] = []


def warm_up(*, without_files: bool = False) -> None:
    """`without_files`: more of them, and every time zone, since no handler can open what was not loaded."""
    for name in _STANDARD:
        importlib.import_module(name)
    if without_files:
        _load_more()
    for name in _WHERE_INSTALLED:
        try:
            importlib.import_module(name)
        except Exception:  # not installed, or broken: then the handler's own import says so
            pass
    # What the handler's own lines cause is for its author to see.
    warnings.filterwarnings('default', category=DeprecationWarning, module='handler')
    # Legacy registration says so once a run, from however many lines.
    warnings.filterwarnings('once', message=r'Event\.', category=DeprecationWarning)


def _load_more() -> None:
    for name in _MORE_STANDARD:
        try:
            importlib.import_module(name)
        except ImportError:  # a part that this Python was built without
            pass
    zoneinfo = importlib.import_module('zoneinfo')
    _ZONES.extend(zoneinfo.ZoneInfo(key) for key in zoneinfo.available_timezones())
