import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { HandlerSandbox } from '../../../src/sandbox/create-sandbox.ts';
import { runHandler, type HandlerOutcome } from '../running.ts';

type Language = 'python' | 'typescript';

const handlers = {
  python: readFileSync(join(import.meta.dirname, 'fixtures/surroundings.py'), 'utf8'),
  typescript: readFileSync(join(import.meta.dirname, 'fixtures/surroundings.ts'), 'utf8'),
};
/** Of a whole table of attacks. */
const wallMs = 10 * 60_000;

/** A handler that runs beside the attacks, in a process of its own, and tells what it finds around it whenever it is asked. */
export class Neighbour {
  readonly #outcome: Promise<HandlerOutcome>;
  #told = Promise.withResolvers<unknown>();
  #answer: (again: boolean) => void = () => undefined;

  constructor(sandbox: HandlerSandbox, language: Language) {
    this.#outcome = runHandler(sandbox, handlers[language], {
      language,
      limits: { wallMs },
      answer: async ({ args }) => {
        this.#told.resolve(args.tag);
        const again = await new Promise<boolean>((resolve) => (this.#answer = resolve));
        return { ok: true, value: { again } };
      },
    });
    this.#outcome.catch((error: unknown) => {
      this.#told.reject(error);
    });
  }

  /** What it told last; first of all at its start. */
  told(): Promise<unknown> {
    return this.#told.promise;
  }

  async ask(): Promise<unknown> {
    await this.#told.promise;
    this.#told = Promise.withResolvers();
    this.#answer(true);
    return Promise.race([this.#told.promise, this.#ended()]);
  }

  /** What it returns in the end. */
  async end(): Promise<unknown> {
    await this.#told.promise;
    this.#answer(false);
    const { result } = await this.#outcome;
    expect(result).toMatchObject({ outcome: 'succeeded' });
    return result.outcome === 'succeeded' ? result.result : undefined;
  }

  async #ended(): Promise<never> {
    throw new Error(`the neighbour ended: ${JSON.stringify((await this.#outcome).result)}`);
  }
}

/** What a handler that has just begun finds around it. */
export async function tellNext(sandbox: HandlerSandbox, language: Language): Promise<unknown> {
  let told: unknown;
  const { result } = await runHandler(sandbox, handlers[language], {
    language,
    answer: ({ args }) => {
      told = args.tag;
      return { ok: true, value: { again: false } };
    },
  });
  expect(result).toMatchObject({ outcome: 'succeeded' });
  return told;
}
