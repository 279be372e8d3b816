/** How long the customer waited for a person: kept on the conversation and in its timeline. */

export async function handleEvent(context: ClosedContext, helpers: Helpers) {
  const { publicId, messages } = context.conversation;
  const asked = messages.find(({ sender }) => sender === 'customer');
  const answered = messages.find(({ sender }) => sender === 'agent');
  if (!asked || !answered) {
    console.log(`Nobody answered in ${publicId}`);
    return { seconds: null };
  }
  const seconds = (Date.parse(answered.timestamp) - Date.parse(asked.timestamp)) / 1000;
  console.log(`${publicId}: first reply after ${seconds} s`);
  // Both at once: neither needs the other's answer.
  await Promise.all([
    helpers.setConversationMetadata('first_reply_seconds', String(seconds)),
    helpers.addConversationEvent({ type: 'first-reply', description: `First reply after ${seconds} s` }),
  ]);
  return { seconds };
}
