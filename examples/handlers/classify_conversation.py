from weni import Tool
from weni.context import Context
from weni.events.event import Event
from weni.responses import TextResponse


class ClassifyConversation(Tool):
    def execute(self, context: Context):
        user_message = context.parameters.get("message", "")
        classification = self.classify(user_message)

        self.register_event(Event(
            event_name="weni_nexus_data",
            key="conversation_classification",
            value_type="string",
            value=classification,
            metadata={
                "contact_urn": context.contact.get("urn", ""),
                "message_preview": user_message[:100],
            },
        ))

        return TextResponse(data={
            "classification": classification,
            "message": user_message,
        })

    def classify(self, message: str) -> str:
        if "help" in message.lower():
            return "unresolved"
        return "resolved"
