import { LogBuffer } from '../domain/log-buffer.ts';
import type { LogStream } from '../sandbox/sandbox.ts';
import type { Masker } from '../secrets/masker.ts';
import type { LogChunk } from '../store/execution-ledger/write-logs.ts';

/** Most handlers are done before this has passed and pay no statement of their own for their output. */
const firstFlushMs = 20;
const flushEveryMs = 250;

const logStreams = ['stdout', 'stderr'] as const;

/** The output of one attempt on its way to the store: at most a quarter of a second behind, bounded in size. */
export class AttemptLog {
  readonly #write: (chunks: LogChunk[]) => Promise<void>;
  readonly #streams = { stdout: new LogBuffer(), stderr: new LogBuffer() };
  readonly #masked;
  /** Taken from the buffers, not known to be in the store. */
  #unwritten: LogChunk[] = [];
  #timer: NodeJS.Timeout | undefined;
  #waitMs = firstFlushMs;
  #writing: Promise<void> = Promise.resolve();

  /** With a masker what it masks comes nowhere near the store. */
  constructor(write: (chunks: LogChunk[]) => Promise<void>, masker?: Masker) {
    this.#write = write;
    this.#masked = masker && { stdout: masker.stream(), stderr: masker.stream() };
  }

  add(stream: LogStream, text: string): void {
    this.#keep(stream, this.#masked === undefined ? text : this.#masked[stream].push(text));
  }

  #keep(stream: LogStream, text: string): void {
    if (text === '') return;
    this.#streams[stream].add(text);
    this.#timer ??= this.#later();
  }

  /**
   * Writes what is new along with something else that is written anyway. One write at a time, since a tail replaces
   * the tail before it; what a failed write held is written with the next.
   */
  writeWith<T>(write: (chunks: LogChunk[]) => Promise<T>): Promise<T> {
    const written = this.#writing.then(async () => {
      clearTimeout(this.#timer);
      this.#timer = undefined;
      this.#unwritten = latest([...this.#unwritten, ...this.#take()]);
      const answer = await write(this.#unwritten);
      this.#unwritten = [];
      return answer;
    });
    this.#writing = written.then(
      () => undefined,
      () => undefined,
    );
    return written;
  }

  /** What the store does not have yet, for the caller to write at the end. */
  async drain(): Promise<LogChunk[]> {
    for (const stream of logStreams) if (this.#masked) this.#keep(stream, this.#masked[stream].end());
    await this.#writing;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    return latest([...this.#unwritten, ...this.#take()]);
  }

  #later(): NodeJS.Timeout {
    return setTimeout(() => {
      this.#waitMs = flushEveryMs;
      // While the store is away the output waits here, which is bounded; the handler goes on.
      this.writeWith(this.#write).catch(() => {
        this.#timer ??= this.#later();
      });
    }, this.#waitMs);
  }

  #take(): LogChunk[] {
    return logStreams.flatMap((stream) => this.#streams[stream].take().map((piece) => ({ stream, ...piece })));
  }
}

/** Of chunks with the same place the last: a tail that was not written yet is out of date when the next one is there. */
function latest(chunks: readonly LogChunk[]): LogChunk[] {
  return [...new Map(chunks.map((chunk) => [`${chunk.stream}/${String(chunk.seq)}`, chunk])).values()];
}
