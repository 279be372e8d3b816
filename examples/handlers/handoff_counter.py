"""Counts how often a conversation was handed off, and tags one that goes back and forth.

When an attempt fails half-way, the next one is given the recorded answer of every call already made: it cannot count twice.
"""

OFTEN = 3


def handle_event(context):
    before = get_conversation_metadata(context, "handoffs")
    handoffs = int(before or 0) + 1
    set_conversation_metadata(context, "handoffs", str(handoffs))
    if handoffs >= OFTEN:
        add_conversation_tag(context, "handed-off-often")
    return {"handoffs": handoffs}
