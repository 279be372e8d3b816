import type { FaultyHandler, PreparedHandler } from './prepare-handler.ts';
import { SourceReader, UnreadableSource } from './source-reader.ts';

type Handler = PreparedHandler | FaultyHandler;

const mostKept = 64;

/** What Deno is given for a handler's text; each text is read once. */
export class PreparedHandlers {
  readonly #reader = new SourceReader();
  /** The longest unused first. */
  readonly #known = new Map<string, Promise<Handler>>();

  prepare(code: string): Promise<Handler> {
    const handler = this.#known.get(code) ?? this.#read(code);
    this.#known.delete(code);
    this.#known.set(code, handler);
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= mostKept) break;
      this.#known.delete(oldest);
    }
    return handler;
  }

  close(): Promise<void> {
    return this.#reader.close();
  }

  async #read(code: string): Promise<Handler> {
    try {
      const answer = await this.#reader.read({ kind: 'prepare', code });
      if (answer.kind === 'prepared') return answer.handler;
      throw new Error('the thread answered something else');
    } catch (error) {
      if (!(error instanceof UnreadableSource)) throw error;
      const message = `The handler could not be read: ${error.message}.`;
      return { outcome: 'faulty', reason: 'syntax_error', type: 'SyntaxError', message, traceback: '' };
    }
  }
}
