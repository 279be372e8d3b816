"""Predefined functions as the handler sees them: called by name, checked here, answered by the host."""

from __future__ import annotations

import ast
import functools
import inspect
from typing import Any

from .channel import Channel
from .helper_error import HelperError
from .strict_json import NotJson, to_json

#: Helpers always act on the execution's own conversation, so what is handed over as `context` is never sent.
_CONTEXT = 'context'
LIST = 'list_predefined_functions'


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

    def __init__(self, channel: Channel, name: str, params: str, summary: str) -> None:
        self._channel = channel
        self._params = params
        self.__name__ = self.__qualname__ = name
        self.__doc__ = summary

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
        reply = self._channel.request('call', self.__name__, self._arguments(args, kwargs))
        error = reply.get('err')
        if error is not None:
            raise HelperError(error['message'], error['code'])
        return reply.get('v')

    def _arguments(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
        """The given arguments by name as JSON; defaults are the host's business."""
        try:
            given = dict(self.__signature__.bind(*args, **kwargs).arguments)
        except TypeError as error:
            raise self._invalid(f'{error}; it is called as {self.__name__}({self._params})') from None
        if next(iter(self.__signature__.parameters), None) == _CONTEXT:
            given.pop(_CONTEXT, None)
        try:
            return '{' + ','.join(f'"{name}":{to_json(value, name)}' for name, value in given.items()) + '}'
        except NotJson as error:
            raise self._invalid(str(error)) from None

    def _invalid(self, message: str) -> HelperError:
        return HelperError(f'{self.__name__}(): {message}', 'invalid_arguments')


class ListFunction(HelperFunction):
    """`list_predefined_functions()`: answered here, the host never hears of it."""

    def __init__(self, channel: Channel, name: str, params: str, summary: str, functions: list[HelperFunction]) -> None:
        super().__init__(channel, name, params, summary)
        self._functions = functions

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self._arguments(args, kwargs)
        return [function.describe() for function in self._functions]


def make_helpers(channel: Channel, described: list[dict[str, str]]) -> list[HelperFunction]:
    functions: list[HelperFunction] = []
    for helper in described:
        name, params, summary = helper['name'], helper['params'], helper['summary']
        if name == LIST:
            functions.append(ListFunction(channel, name, params, summary, functions))
        else:
            functions.append(HelperFunction(channel, name, params, summary))
    return functions
