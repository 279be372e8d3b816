/** The programs that the rows run. */
export const withoutCalls = `
def handle_event(context):
    return {"messages": len(context["conversation"]["messages"])}
`;

export const withoutCallsInTypeScript = {
  language: 'typescript',
  code: `
export async function handleEvent(context: { conversation: { messages: unknown[] } }): Promise<{ messages: number }> {
  return { messages: context.conversation.messages.length };
}
`,
} as const;

/** Answers how long each of five calls took, milliseconds. */
export const fiveCalls = `
import time

def handle_event(context):
    times = []
    for n in range(5):
        start = time.perf_counter()
        set_conversation_metadata(context, "key", str(n))
        times.append((time.perf_counter() - start) * 1000)
    return times
`;

/** Answers how long each of five requests took, milliseconds. */
export const fiveRequests = (url: string, body: string) => `
import requests, time

def handle_event(context):
    times = []
    with requests.Session() as session:
        for n in range(5):
            start = time.perf_counter()
            session.post("${url}", data="${body}")
            times.append((time.perf_counter() - start) * 1000)
    return times
`;

/** Fails once, so that the second attempt finds its calls in the ledger. */
export const failsAfterCalls = (calls: number) => `
def handle_event(context):
    for n in range(${String(calls)}):
        set_conversation_metadata(context, "key", str(n))
    if context["args"]["attempt"] == 1:
        raise RuntimeError("once more")
`;

/** Answers when its first line ran, milliseconds since 1970. */
export const firstLine = `
import time

def handle_event(context):
    return time.time() * 1000
`;

/** What most handlers do at least: one helper call, one line of output. */
export const oneCallAndLine = {
  python: {
    language: 'python',
    code: `
def handle_event(context):
    add_conversation_tag(context, "seen")
    print("tagged")
`,
  },
  typescript: {
    language: 'typescript',
    code: `
export async function handleEvent(context: unknown, helpers: { addConversationTag(tag: string): Promise<boolean> }) {
  await helpers.addConversationTag('seen');
  console.log('tagged');
}
`,
  },
} as const;

/** Say when they began, and never end. */
export const spinning = {
  python: { language: 'python', code: 'def handle_event(context):\n    print("begun")\n    while True: pass\n' },
  typescript: {
    language: 'typescript',
    code: 'export const handleEvent = () => { console.log("begun"); for (;;) {} };',
  },
} as const;
