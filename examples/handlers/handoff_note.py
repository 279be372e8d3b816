"""Leaves a note in the conversation's timeline for the person who takes over: what the customer wrote last."""

SHOWN_MESSAGES = 3
#: A description may have 1,000 characters.
SHOWN_CHARACTERS = 300


def handle_event(context):
    conversation = context["conversation"]
    wrote = [m["content"] for m in conversation["messages"] if m["sender"] == "customer"]
    last = [shortened(content) for content in wrote[-SHOWN_MESSAGES:]]

    add_conversation_tag(context, "handed-off")
    event = add_conversation_event(context, {
        "category": "handoff",
        "type": "note",
        "description": "\n".join(last) if last else "The customer has not written anything yet.",
        "attributes": {"customer_messages": len(wrote), "channel": conversation.get("latestChannel")},
    })
    return {"shown": len(last), "timeline_event": event["eventId"]}


def shortened(text):
    return text if len(text) <= SHOWN_CHARACTERS else text[: SHOWN_CHARACTERS - 1] + "…"
