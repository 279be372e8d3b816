"""What of a handler's file is run: `handle_event(context)`, else a `Tool` of the Weni toolkit."""

from __future__ import annotations

import asyncio
import inspect
import sys
import types
from typing import Any, NamedTuple

from .failure import Refusal

ENTRY_POINT = 'handle_event'
_BOTH_WAYS = (
    f'Write a function, def {ENTRY_POINT}(context): ..., '
    'or a tool, class MyTool(Tool): ... with def execute(self, context): ...'
)


class Returned(NamedTuple):
    result: Any
    #: What the toolkit answered as events; None where no tool ran.
    events: list[Any] | None


def call_entry_point(module: types.ModuleType, context: Any, tool: dict[str, Any]) -> Returned:
    """`tool`: `name`, the class to run or None; `context`, the six namespaces; `whole`, run nothing but a tool and
    answer its result and format.
    """
    entry = module.__dict__.get(ENTRY_POINT)
    if entry is not None and tool['name'] is None and not tool['whole']:
        if callable(entry):
            return Returned(_awaited(entry(context)), None)
        raise _missing(f'The handler has something that is not a function named {ENTRY_POINT}. {_BOTH_WAYS}')
    return _run_tool(_chosen_tool(module, tool['name']), context, tool)


def _run_tool(tool_class: type, context: Any, tool: dict[str, Any]) -> Returned:
    spaces = tool['context']
    if 'conversation' in context:
        spaces['parameters']['message'] = _last_of_customer(context['conversation']['messages'])
    # Calling the class runs it, and this is what it answers.
    result, response_format, events, _traces = tool_class(sys.modules['weni.context'].Context(**spaces))
    answer = {'result': result, 'format': response_format} if tool['whole'] else result['result']
    return Returned(answer, events)


def _last_of_customer(messages: list[dict[str, Any]]) -> str:
    return next((message['content'] for message in reversed(messages) if message['sender'] == 'customer'), '')


def _chosen_tool(module: types.ModuleType, name: str | None) -> type:
    base = getattr(sys.modules.get('weni.tool'), 'Tool', None)
    found = {
        key: value
        for key, value in module.__dict__.items()
        if base is not None and isinstance(value, type) and issubclass(value, base) and value is not base
    }
    if name is not None:
        if name in found:
            return found[name]
        raise _missing(f"The handler's settings name the tool {name}, and its file has no Tool subclass of that name.")
    # Those that were imported, or have a second name, do not count.
    own = {value.__name__: value for value in found.values() if value.__module__ == module.__name__}
    if len(own) > 1:
        names = ', '.join(own)
        raise _missing(
            f"The handler has no function named {ENTRY_POINT} and {len(own)} Tool subclasses ({names}). "
            "Name the one to run in the handler's settings, as tool."
        )
    for only in own.values():
        return only
    raise _missing(f'The handler has no function named {ENTRY_POINT} and no Tool subclass. {_BOTH_WAYS}')


def _missing(message: str) -> Refusal:
    return Refusal('no_entry_point', 'NoEntryPoint', message)


def _awaited(result: Any) -> Any:
    if not inspect.isawaitable(result):
        return result
    # Not asyncio.run: on its way out it waits for threads of the loop's executor, for ever if need be.
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    return loop.run_until_complete(_outcome_of(result))


async def _outcome_of(result: Any) -> Any:
    return await result
