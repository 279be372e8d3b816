/** Effects by helpers, of which one can be counted in the store under the handler's name; one at the receiver; two lines. */
export interface HandlerWithEffects {
  readonly name: string;
  readonly language: 'python' | 'typescript';
  readonly code: string;
}

export const printed = 'begins\nends\n';

/** What its request to the receiver says, as JSON. */
export const requestOf = (handler: string, eventId: string) => JSON.stringify(`${handler} ${eventId}`);

export const inPython = (receiverUrl: string): HandlerWithEffects => ({
  name: 'in-python',
  language: 'python',
  code: `
import requests, time

def handle_event(context):
    print("begins")
    add_conversation_tag(context, "seen")
    answer = requests.post("${receiverUrl}", json="in-python " + context["args"]["event_id"], timeout=30)
    answer.raise_for_status()
    time.sleep(0.3)
    add_conversation_event(context, "in-python")
    print("ends")
    return answer.json()
`,
});

export const inTypeScript = (receiverUrl: string): HandlerWithEffects => ({
  name: 'in-typescript',
  language: 'typescript',
  code: `
export async function handleEvent(context: any, helpers: any) {
  console.log('begins');
  await helpers.addConversationTag('seen');
  const body = JSON.stringify('in-typescript ' + context.args.event_id);
  const answer = await fetch('${receiverUrl}', { method: 'POST', body });
  if (!answer.ok) throw new Error('the receiver answered ' + answer.status);
  await helpers.addConversationEvent('in-typescript');
  console.log('ends');
  return await answer.json();
}
`,
});
