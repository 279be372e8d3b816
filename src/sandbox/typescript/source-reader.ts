import { once } from 'node:events';
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { SourceAnswer, type SourceTask } from './source-task.ts';

const program = new URL(`./source-thread${extname(import.meta.url)}`, import.meta.url);
/** 256 KB take some 100 ms. */
const timeoutMs = 10_000;
const heapMb = 256;

/** The text could not be read within its limits: it is nested too deeply, or made to take time. */
export class UnreadableSource extends Error {
  override readonly name = 'UnreadableSource';
}

/** Reads handlers in a thread that is started when it is first needed and replaced when it fails. */
export class SourceReader {
  #thread: Worker | undefined;
  #last: Promise<unknown> = Promise.resolve();

  /** One after the other. Rejects with UnreadableSource. */
  read(task: SourceTask): Promise<SourceAnswer> {
    const answer = this.#last.then(() => this.#readNow(task));
    this.#last = answer.catch(() => undefined);
    return answer;
  }

  async close(): Promise<void> {
    await this.#thread?.terminate();
    this.#thread = undefined;
  }

  async #readNow(task: SourceTask): Promise<SourceAnswer> {
    this.#thread ??= startThread();
    const thread = this.#thread;
    const tooLate = new AbortController();
    const timer = setTimeout(() => {
      tooLate.abort();
    }, timeoutMs);
    thread.ref();
    try {
      const answered = once(thread, 'message', { signal: tooLate.signal });
      thread.postMessage(task);
      const answers: unknown[] = await Promise.race([answered, ended(thread, tooLate.signal)]);
      return SourceAnswer.parse(answers[0]);
    } catch (cause) {
      this.#thread = undefined;
      await thread.terminate();
      throw new UnreadableSource('the code is nested too deeply, or too large, to be read', { cause });
    } finally {
      clearTimeout(timer);
      tooLate.abort();
      thread.unref();
    }
  }
}

async function ended(thread: Worker, signal: AbortSignal): Promise<never> {
  await once(thread, 'exit', { signal });
  throw new Error('the thread ended');
}

function startThread(): Worker {
  const thread = new Worker(program, { env: {}, resourceLimits: { maxOldGenerationSizeMb: heapMb } });
  thread.on('error', () => undefined); // whoever waits for its answer hears of it
  thread.unref();
  return thread;
}
