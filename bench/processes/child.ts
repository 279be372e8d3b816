import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

interface Answer {
  readonly id: number;
  readonly answer?: unknown;
  readonly error?: string;
}

export interface Child {
  readonly pid: number;
  ask<Result>(method: string, argument?: unknown): Promise<Result>;
  stop(): Promise<void>;
}

/** A process beside the measuring one, so that its CPU can be told from the client's. */
export async function startChild(script: string, env: Record<string, string | undefined>): Promise<Child> {
  const child = fork(fileURLToPath(new URL(script, import.meta.url)), {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const waiting = new Map<number, PromiseWithResolvers<unknown>>();
  const gone = new Promise<void>((resolve) =>
    child.once('exit', () => {
      resolve();
    }),
  );
  child.on('message', (message: Answer) => {
    const promise = waiting.get(message.id);
    waiting.delete(message.id);
    if (message.error === undefined) promise?.resolve(message.answer);
    else promise?.reject(new Error(message.error));
  });
  void gone.then(() => {
    for (const promise of waiting.values()) promise.reject(new Error(`${script} ended`));
  });
  function expectAnswer(id: number): Promise<unknown> {
    const promise = Promise.withResolvers<unknown>();
    waiting.set(id, promise);
    return promise.promise;
  }
  await expectAnswer(0);
  let lastId = 0;
  return {
    pid: child.pid ?? 0,
    async ask<Result>(method: string, argument: unknown = null) {
      lastId += 1;
      const answer = expectAnswer(lastId);
      child.send({ id: lastId, method, argument });
      return (await answer) as Result;
    },
    async stop() {
      if (child.connected) child.disconnect();
      await gone;
    },
  };
}
