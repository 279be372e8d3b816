import { LogBuffer } from '../domain/log-buffer.ts';
import type { LogStream } from '../sandbox/sandbox.ts';
import type { LogChunk } from '../store/execution-ledger/write-logs.ts';

/** Most handlers are done before this has passed and pay no statement of their own for their output. */
const firstFlushMs = 20;
const flushEveryMs = 250;

/** The output of one attempt on its way to the store: at most a quarter of a second behind, bounded in size. */
export class AttemptLog {
  readonly #write: (chunks: LogChunk[]) => Promise<void>;
  readonly #streams = { stdout: new LogBuffer(), stderr: new LogBuffer() };
  #timer: NodeJS.Timeout | undefined;
  #flushing: Promise<void> = Promise.resolve();
  #flushed = false;

  constructor(write: (chunks: LogChunk[]) => Promise<void>) {
    this.#write = write;
  }

  add(stream: LogStream, text: string): void {
    this.#streams[stream].add(text);
    this.#timer ??= setTimeout(
      () => {
        this.#flush();
      },
      this.#flushed ? flushEveryMs : firstFlushMs,
    );
  }

  /** What is not written yet, for the caller to write; waits for a write under way, since tails replace each other. */
  async drain(): Promise<LogChunk[]> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    await this.#flushing;
    return this.#take();
  }

  #flush(): void {
    this.#timer = undefined;
    this.#flushed = true;
    this.#flushing = this.#flushing.then(() => this.#write(this.#take()));
  }

  #take(): LogChunk[] {
    return (['stdout', 'stderr'] as const).flatMap((stream) =>
      this.#streams[stream].take().map((piece) => ({ stream, ...piece })),
    );
  }
}
