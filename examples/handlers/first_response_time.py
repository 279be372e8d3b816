"""How long a customer waited for the first answer, by the bot or by a person."""

from datetime import datetime


def handle_event(context):
    messages = sorted(context["conversation"]["messages"], key=time_of)
    asked = next((m for m in messages if m["sender"] == "customer"), None)
    if asked is None:
        return {"first_response_seconds": None, "reason": "the customer wrote nothing"}

    answers = (m for m in messages if m["sender"] != "customer" and time_of(m) >= time_of(asked))
    answer = next(answers, None)
    if answer is None:
        return {"first_response_seconds": None, "reason": "nobody answered"}

    seconds = round((time_of(answer) - time_of(asked)).total_seconds())
    set_conversation_metadata(context, "first_response_seconds", str(seconds))
    print(f"first answer by the {answer['sender']} after {seconds} s")
    return {"first_response_seconds": seconds, "answered_by": answer["sender"]}


def time_of(message):
    # Python 3.10 does not read the "Z" of ISO 8601.
    return datetime.fromisoformat(message["timestamp"].replace("Z", "+00:00"))
