"""Runs one handler in the caged child: compiles it, calls its entry point, reports what came of it."""

from __future__ import annotations

import builtins
import gc
import io
import json
import pkgutil
import random
import sys
import threading
import types
from typing import Any

from . import no_network
from .analytics_events import RegisteredEvents
from .channel import Channel, to_utf8
from .entry_point import call_entry_point
from .failure import Refusal, describe_failure, syntax_error
from .helper_error import HelperError
from .helper_function import HelperFunction, make_helpers
from .output import OutputStream, print_at_once
from .strict_json import NotJson, to_json
from .user_traceback import HANDLER_FILE, register_source

MODULE = 'handler'
#: The default of 8 MB each would spend the memory limit on a few dozen threads.
_THREAD_STACK_BYTES = 2 << 20
_PACKAGE = __name__.partition('.')[0]
#: By name: looking through all of sys.modules after the fork writes to 200 shared pages, 0.8 ms of a run.
_OURS = ['__main__', _PACKAGE]
_OURS += [f'{_PACKAGE}.{module.name}' for module in pkgutil.iter_modules(sys.modules[_PACKAGE].__path__)]


def run_handler(channel: Channel) -> None:
    request = channel.read_message()
    context = channel.read_bytes(request['contextBytes'])
    code: str = request['code'].removeprefix('\ufeff')
    events = RegisteredEvents(request['events'], request['eventBytes'])
    module = _make_module(make_helpers(channel, request['helpers'], request['callBytes'], events.plain))
    sys.stdin = io.StringIO('')
    sys.stdout, sys.stderr = OutputStream(channel, 'stdout'), OutputStream(channel, 'stderr')
    builtins.print = print_at_once
    sys.argv = [HANDLER_FILE]
    threading.stack_size(_THREAD_STACK_BYTES)
    random.seed(request['randomSeed'])
    register_source(code)
    no_network.install()
    _lead_requests_through(channel, request['requestBytes'])
    _forget_ourselves()
    channel.send({'t': 'started'})
    channel.finish(_outcome(code, module, context, request, events))


def _make_module(helpers: list[HelperFunction]) -> types.ModuleType:
    module = types.ModuleType(MODULE)
    module.__file__ = HANDLER_FILE
    module.__dict__['HelperError'] = HelperError
    for helper in helpers:
        module.__dict__[helper.__name__] = helper
    sys.modules[MODULE] = module
    return module


def _lead_requests_through(channel: Channel, most_bytes: int) -> None:
    # Imported before the fork, where `requests` is installed; where it is not the handler's own import says so.
    http_requests = sys.modules.get(f'{_PACKAGE}.http_requests')
    if http_requests is not None:
        http_requests.install(channel, most_bytes)


def _forget_ourselves() -> None:
    """`import afterword_cage` in a handler finds nothing. Not a wall: the cage is the wall."""
    for name in _OURS:
        sys.modules.pop(name, None)


def _outcome(
    code: str, module: types.ModuleType, context: bytes, request: dict[str, Any], events: RegisteredEvents
) -> str:
    """The `done` line. Nothing the user's code raises gets past here."""
    try:
        try:
            compiled = compile(code, HANDLER_FILE, 'exec', dont_inherit=True)
        except (SyntaxError, ValueError) as error:
            return json.dumps(syntax_error(error))
        exec(compiled, module.__dict__)
        returned = call_entry_point(module, _loaded(context), request['tool'])
        events.by_tool = returned.events
        result = _checked_result(returned.result, request['resultBytes'])
        return f'{{"t":"done","ok":true,"v":{result},"events":{events.of_success()}}}'
    except BaseException as error:
        # Before the description, which may clear the frames that hold them.
        registered = events.until(error)
        return f'{json.dumps(describe_failure(error))[:-1]},"events":{events.of_failure(registered)}}}'


def _loaded(context: bytes) -> Any:
    """Nothing of it is garbage yet: with the collector off, 5,000 messages take 4 ms less."""
    gc.disable()
    try:
        return json.loads(context)
    finally:
        gc.enable()


def _checked_result(result: Any, most_bytes: int) -> str:
    try:
        text = to_json(result, 'result')
    except NotJson as error:
        raise Refusal('not_json', 'NotJson', f'What the handler returned is not JSON: {error}') from None
    size = len(to_utf8(text))
    if size > most_bytes:
        message = f'The result is {size} bytes of JSON, more than the {most_bytes} allowed. Return less.'
        raise Refusal('limit_exceeded', 'ResultTooLarge', message)
    return text
