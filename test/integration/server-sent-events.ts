export interface SentEvent {
  readonly event: string;
  readonly data: Record<string, unknown>;
  readonly id: string | undefined;
}

/** Reads the events of an answer one by one; `leave` goes away in the middle. */
export function readEvents(response: Response) {
  if (response.body === null) throw new Error('The answer has no body.');
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  let comments = 0;

  /** Undefined at the end of the stream. */
  async function next(): Promise<SentEvent | undefined> {
    for (;;) {
      const end = text.indexOf('\n\n');
      if (end !== -1) {
        const block = text.slice(0, end);
        text = text.slice(end + 2);
        const lines = block.split('\n').filter((line) => !line.startsWith(':'));
        if (lines.length === 0) {
          comments += 1;
          continue;
        }
        const field = (name: string) => lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
        return {
          event: field('event') ?? '',
          data: JSON.parse(field('data') ?? '{}') as Record<string, unknown>,
          id: field('id'),
        };
      }
      const { value, done } = await reader.read();
      if (done) return undefined;
      text += value;
    }
  }

  return {
    next,
    /** All up to and with the first of which it holds, or to the end. */
    async until(holds: (event: SentEvent) => boolean): Promise<SentEvent[]> {
      const found: SentEvent[] = [];
      for (let event = await next(); event !== undefined; event = await next()) {
        found.push(event);
        if (holds(event)) break;
      }
      return found;
    },
    comments: () => comments,
    leave: () => reader.cancel(),
  };
}
