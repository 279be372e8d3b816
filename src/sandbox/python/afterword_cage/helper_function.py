"""Predefined functions as the handler sees them: called by name, checked here, answered by the host."""

from __future__ import annotations

import ast
import functools
import inspect
from typing import Any

from .channel import Channel, to_utf8
from .helper_error import HelperError
from .strict_json import NotJson, to_json

#: Helpers always act on the execution's own conversation, so what is handed over as `context` is never sent.
_CONTEXT = 'context'
LIST = 'list_predefined_functions'
REGISTER = 'register_event'


def parse_signature(params: str) -> inspect.Signature:
    """`prompt, input, fallback=None` as a signature."""
    written = ast.parse(f'def helper({params}): pass').body[0].args  # type: ignore[attr-defined]
    kind = inspect.Parameter
    positional = written.args
    defaults: list[Any] = [kind.empty] * (len(positional) - len(written.defaults)) + written.defaults
    named = [(kind.POSITIONAL_OR_KEYWORD, argument, default) for argument, default in zip(positional, defaults)]
    named += [(kind.KEYWORD_ONLY, argument, default) for argument, default in zip(written.kwonlyargs, written.kw_defaults)]
    return inspect.Signature(
        [
            kind(argument.arg, how, default=ast.literal_eval(default) if isinstance(default, ast.AST) else kind.empty)
            for how, argument, default in named
        ]
    )


class HelperFunction:
    """The signature is worked out when first needed: eleven of them would cost each run half a millisecond."""

    def __init__(self, channel: Channel, helper: dict[str, str], most_bytes: int) -> None:
        self._channel = channel
        self._params = helper['params']
        self._most_bytes = most_bytes
        self.__name__ = self.__qualname__ = helper['name']
        self.__doc__ = helper['summary']

    @functools.cached_property
    def __signature__(self) -> inspect.Signature:
        return parse_signature(self._params)

    def __repr__(self) -> str:
        return f'<predefined function {self.__name__}({self._params})>'

    def describe(self) -> dict[str, str]:
        return {
            'name': self.__name__,
            'signature': f'{self.__name__}({self._params})',
            'description': self.__doc__ or '',
        }

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        members = f'"name":"{self.__name__}","args":{self._arguments(args, kwargs)}'
        reply = self._channel.request('call', members)
        error = reply.get('err')
        if error is not None:
            raise HelperError(error['message'], error['code'])
        return reply.get('v')

    def _given(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        try:
            return dict(self.__signature__.bind(*args, **kwargs).arguments)
        except TypeError as error:
            message = f'{error}; it is called as {self.__name__}({self._params})'
            raise self._refusal('invalid_arguments', message) from None

    def _arguments(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
        """The given arguments by name as JSON; defaults are the host's business."""
        given = self._given(args, kwargs)
        if next(iter(self.__signature__.parameters), None) == _CONTEXT:
            given.pop(_CONTEXT, None)
        try:
            text = '{' + ','.join(f'"{name}":{to_json(value, name)}' for name, value in given.items()) + '}'
        except NotJson as error:
            raise self._refusal('invalid_arguments', str(error)) from None
        size = len(to_utf8(text))
        if size > self._most_bytes:
            message = f'the arguments are {size} bytes of JSON, more than the {self._most_bytes} allowed. Pass less.'
            raise self._refusal('limit_exceeded', message)
        return text

    def _refusal(self, code: str, message: str) -> HelperError:
        return HelperError(f'{self.__name__}(): {message}', code)


class ListFunction(HelperFunction):
    """`list_predefined_functions()`: answered here, the host never hears of it."""

    def __init__(
        self, channel: Channel, helper: dict[str, str], most_bytes: int, functions: list[HelperFunction]
    ) -> None:
        super().__init__(channel, helper, most_bytes)
        self._functions = functions

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self._arguments(args, kwargs)
        return [function.describe() for function in self._functions]


class RegisterFunction(HelperFunction):
    """`register_event(event)`: kept here until the run ends."""

    def __init__(self, channel: Channel, helper: dict[str, str], most_bytes: int, events: list[Any]) -> None:
        super().__init__(channel, helper, most_bytes)
        self._events = events

    def __call__(self, *args: Any, **kwargs: Any) -> None:
        event = self._given(args, kwargs)['event']
        if isinstance(event, dict):
            # As it is now: a dict that is filled anew for each event is common in loops.
            event = dict(event)
        elif not callable(getattr(event, 'to_dict', None)):
            message = f'event must be an Event or a dict, not {type(event).__name__}'
            raise self._refusal('invalid_arguments', message)
        self._events.append(event)


def make_helpers(
    channel: Channel, described: list[dict[str, str]], most_bytes: int, events: list[Any]
) -> list[HelperFunction]:
    """`most_bytes`: how long the arguments of one call may be; `events`: where `register_event` puts what it is given."""
    functions: list[HelperFunction] = []
    for helper in described:
        if helper['name'] == LIST:
            functions.append(ListFunction(channel, helper, most_bytes, functions))
        elif helper['name'] == REGISTER:
            functions.append(RegisterFunction(channel, helper, most_bytes, events))
        else:
            functions.append(HelperFunction(channel, helper, most_bytes))
    return functions
