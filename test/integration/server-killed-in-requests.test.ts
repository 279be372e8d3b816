import { randomInt } from 'node:crypto';
import { expect, it } from 'vitest';
import { killServersInRequests } from '../setup/kills-in-requests.ts';
import { numberFromEnvironment } from '../setup/number-from-environment.ts';

const kills = 8;
const seed = numberFromEnvironment('AFTERWORD_KILL_SEED', randomInt(1, 2 ** 31));

it(`an event that was answered 202 runs once, although servers are killed inside ${String(kills)} requests`, async () => {
  console.log(`the same moments again: AFTERWORD_KILL_SEED=${String(seed)}`);
  await expect(killServersInRequests({ kills, seed, withinMs: 60_000 })).resolves.toBeUndefined();
}, 240_000);
