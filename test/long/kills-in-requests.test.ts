import { randomInt } from 'node:crypto';
import { expect, it } from 'vitest';
import { killServersInRequests } from '../setup/kills-in-requests.ts';
import { numberFromEnvironment } from '../setup/number-from-environment.ts';

const kills = numberFromEnvironment('AFTERWORD_REQUEST_KILLS', 200);
const seed = numberFromEnvironment('AFTERWORD_KILL_SEED', randomInt(1, 2 ** 31));
/** Of a kill with what follows, on two cores that others keep busy. */
const mostOfAKillMs = 10_000;

it(
  `an event that was answered 202 runs once, although servers are killed inside ${String(kills)} requests`,
  async () => {
    console.log(`the same moments again: AFTERWORD_REQUEST_KILLS=${String(kills)} AFTERWORD_KILL_SEED=${String(seed)}`);
    const withinMs = 60_000 + kills * mostOfAKillMs;
    await expect(killServersInRequests({ kills, seed, withinMs })).resolves.toBeUndefined();
  },
  2 * kills * mostOfAKillMs + 300_000,
);
