"""Analytics events of one run: collected, put in order, and encoded for the end of the run.

Legacy ones (`Event.register`) come first, as in the toolkit, which also turns events into dicts only at the end.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from .channel import to_utf8
from .failure import Refusal
from .strict_json import NotJson, to_json

_MOST_FAULT_CHARACTERS = 500
_MOST_REPR_CHARACTERS = 1_000


class RegisteredEvents:
    def __init__(self, most: int, most_bytes: int) -> None:
        self._most = most
        self._most_bytes = most_bytes
        #: What `register_event` was given, by plain handlers and by tools.
        self.plain: list[Any] = []
        #: What the toolkit answered, legacy ones included; None where no tool came to its end.
        self.by_tool: list[Any] | None = None

    def of_success(self) -> str:
        """JSON for the `done` line, within the limits or refused."""
        first = [event.to_dict() for event in _legacy()] if self.by_tool is None else self.by_tool
        events = [_encoded(_to_dict(event)) for event in [*first, *self.plain]]
        fitting, size = self._fitting(events)
        if len(events) > self._most:
            message = f'The handler registered {len(events)} analytics events, more than the {self._most} allowed.'
            raise Refusal('limit_exceeded', 'TooManyEvents', f'{message} Register fewer.')
        if len(fitting) < len(events):
            message = f'The analytics events are {size} bytes of JSON, more than the {self._most_bytes} allowed.'
            raise Refusal('limit_exceeded', 'EventsTooLarge', f'{message} Put less into them.')
        return _joined(fitting)

    def until(self, error: BaseException) -> list[Any]:
        """What was registered until the run failed: these are shown and never delivered."""
        try:
            first = [*_legacy(), *_of_failed_tool(error)] if self.by_tool is None else self.by_tool
            return [*first, *self.plain]
        except Exception:  # the user may have put anything in place of the registry
            return [*self.plain]

    def of_failure(self, registered: list[Any]) -> str:
        """The same for a run that failed: as many as fit, and never a failure of its own."""
        try:
            return _joined(self._fitting([*_encodable(registered)])[0])
        except BaseException:  # out of memory again: how the run failed is worth more
            return '[]'

    def _fitting(self, events: list[tuple[str, str]]) -> tuple[list[tuple[str, str]], int]:
        """The first events, as many as the limits hold, and what all of them take as a JSON list."""
        size, fitting = 1, []
        for event, fault in events:
            size += len(to_utf8(event)) + len(to_utf8(fault)) + 1
            if size <= self._most_bytes and len(fitting) < self._most:
                fitting.append((event, fault))
        return fitting, size


def _to_dict(event: Any) -> Any:
    return event if isinstance(event, dict) else event.to_dict()


def _encodable(events: list[Any]) -> Iterator[tuple[str, str]]:
    for event in events:
        try:
            yield _encoded(_to_dict(event))
        except Exception:  # not an Event, or a class of the user's that breaks
            continue


def _joined(events: list[tuple[str, str]]) -> str:
    """`e`: the event; `x`: why it cannot be delivered as it is."""
    return '[' + ','.join(f'{{"e":{event},"x":{fault or "null"}}}' for event, fault in events) + ']'


def _encoded(event: Any) -> tuple[str, str]:
    """JSON of the event; with the fault, as JSON text too, where it is not JSON: then with what can be kept of it."""
    if not isinstance(event, dict):
        return '{}', to_json(f'to_dict() answered {type(event).__name__}, not a dict', 'fault')
    try:
        return to_json(event, 'event'), ''
    except NotJson as error:
        kept = {str(key): _kept(value) for key, value in event.items()}
        return to_json(kept, 'event'), to_json(str(error)[:_MOST_FAULT_CHARACTERS], 'fault')


def _kept(value: Any) -> Any:
    try:
        to_json(value, 'value')
        return value
    except NotJson:
        return repr(value)[:_MOST_REPR_CHARACTERS]


def _legacy() -> list[Any]:
    event = getattr(sys.modules.get('weni.events.event'), 'Event', None)
    return [] if event is None else list(event.registry)


def _of_failed_tool(error: BaseException) -> list[Any]:
    """The instance that `Tool.__new__` was running leaves by the exception, and nobody else holds it."""
    tool = getattr(sys.modules.get('weni.tool'), 'Tool', None)
    code = None if tool is None else tool.__new__.__code__
    step = error.__traceback__
    while step is not None:
        if step.tb_frame.f_code is code:
            return list(step.tb_frame.f_locals['instance']._pending_events)
        step = step.tb_next
    return []
