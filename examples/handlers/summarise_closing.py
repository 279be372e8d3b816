"""Tags a closed conversation as resolved or as never answered, and keeps its figures as metadata."""

import json
from collections import Counter
from datetime import datetime


def handle_event(context):
    messages = context["conversation"]["messages"]
    senders = Counter(message["sender"] for message in messages)
    answered = senders["bot"] + senders["agent"] > 0
    tag = "resolved" if answered else "no-reply"
    summary = {
        "messages": len(messages),
        "from_customer": senders["customer"],
        "from_bot": senders["bot"],
        "from_agent": senders["agent"],
        "minutes": duration_in_minutes(messages),
    }

    add_conversation_tag(context, tag)
    set_conversation_metadata(context, "closing_summary", json.dumps(summary))
    print(f"{context['conversation']['publicId']}: {len(messages)} messages, {tag}")
    return {"tag": tag, **summary}


def duration_in_minutes(messages):
    times = [time_of(message) for message in messages]
    if not times:
        return 0
    return round((max(times) - min(times)).total_seconds() / 60, 1)


def time_of(message):
    # Python 3.10 does not read the "Z" of ISO 8601.
    return datetime.fromisoformat(message["timestamp"].replace("Z", "+00:00"))
