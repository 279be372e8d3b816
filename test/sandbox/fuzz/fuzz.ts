import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc, { type RunDetails } from 'fast-check';
import { checkConversation } from './hear.ts';
import { hostileConversation, type HostileConversation } from './hostile-lines.ts';

const mb = 1 << 20;

/** By chance, or that of AFTERWORD_FUZZ_SEED; printed. */
export function fuzzSeed(): number {
  const given = process.env.AFTERWORD_FUZZ_SEED ?? '';
  const seed = given === '' ? Math.trunc(Math.random() * 2 ** 31) : Number(given);
  if (!Number.isSafeInteger(seed)) throw new Error(`AFTERWORD_FUZZ_SEED: expected a whole number, got "${given}"`);
  console.log(`AFTERWORD_FUZZ_SEED=${String(seed)}`);
  return seed;
}

const conversationsAtOnce = 100;

/**
 * Until so many lines were read: a conversation ends with its first line that is wrong enough. Throws with the smallest that
 * breaks a rule. Answers by how many bytes the heap grew in the last half.
 */
export function fuzzConversations(hostileLines: number, seed: number): number {
  let read = 0;
  let before = 0;
  const property = fc.property(hostileConversation, (conversation) => {
    read += checkConversation(conversation);
  });
  for (let round = 0; read < hostileLines; round += 1) {
    if (before === 0 && read >= hostileLines / 2) before = usedHeap();
    tell(fc.check(property, { seed: seed + round, numRuns: conversationsAtOnce }));
  }
  return usedHeap() - before;
}

/** The same for what is made of it over a connection. */
export async function fuzzRuns(
  runs: number,
  seed: number,
  check: (conversation: HostileConversation) => Promise<void>,
): Promise<void> {
  tell(await fc.check(fc.asyncProperty(hostileConversation, check), { seed, numRuns: runs }));
}

/** Bytes as text: a list of their numbers takes pages. */
function tell({ failed, counterexample, errorInstance, seed }: RunDetails<[HostileConversation]>): void {
  if (!failed) return;
  const [{ bytes, sizes, answered }] = counterexample ?? [{ bytes: Buffer.alloc(0), sizes: [], answered: false }];
  const text = JSON.stringify({ bytes: bytes.toString('latin1').slice(0, 2_000), sizes, answered });
  throw new Error(`With AFTERWORD_FUZZ_SEED=${String(seed)}, ${text}`, { cause: errorInstance });
}

export const mostGrowth = 8 * mb;

function usedHeap(): number {
  setFlagsFromString('--expose-gc');
  const collectGarbage = runInNewContext('gc') as () => void;
  collectGarbage();
  return process.memoryUsage().heapUsed;
}
