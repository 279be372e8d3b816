import { readdirSync, readFileSync } from 'node:fs';

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return ((sorted[Math.ceil(middle) - 1] ?? NaN) + (sorted[Math.floor(middle)] ?? NaN)) / 2;
}

/** `share` of the values are at most that. */
export function percentile(values: readonly number[], share: number): number {
  return [...values].sort((a, b) => a - b)[Math.ceil(values.length * share) - 1] ?? NaN;
}

/** Milliseconds of each run, one after the other. */
export async function timeEach(times: number, run: () => Promise<unknown>): Promise<number[]> {
  const measured: number[] = [];
  for (let i = 0; i < times; i += 1) {
    const from = performance.now();
    await run();
    measured.push(performance.now() - from);
  }
  return measured;
}

const ticksPerSecond = 100;

/** CPU milliseconds that processes and all they started have used so far. */
export function cpuMs(pids: readonly number[]): number {
  const parents = new Map<number, { parent: number; ticks: number }>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const fields = readFileSync(`/proc/${name}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
      // utime, stime and those of children that were waited for
      const ticks = [11, 12, 13, 14].reduce((sum, index) => sum + Number(fields[index]), 0);
      parents.set(Number(name), { parent: Number(fields[1]), ticks });
    } catch {
      // It ended meanwhile; its parent has its time.
    }
  }
  let ticks = 0;
  for (const pid of parents.keys()) {
    let up: number | undefined = pid;
    while (up !== undefined && !pids.includes(up)) up = parents.get(up)?.parent;
    if (up !== undefined) ticks += parents.get(pid)?.ticks ?? 0;
  }
  return (ticks * 1000) / ticksPerSecond;
}

/** Medians of the ratios and the differences of interleaved rounds: drift of the machine hits both sides of a round alike. */
export async function interleaved(
  rounds: number,
  measure: () => Promise<number>,
  measureFloor: () => Promise<number>,
): Promise<{ value: number; floor: number; ratio: number; added: number }> {
  const pairs: { value: number; floor: number }[] = [];
  for (let round = 0; round < rounds; round += 1) {
    // Who goes first alternates.
    if (round % 2 === 0) {
      const floor = await measureFloor();
      pairs.push({ floor, value: await measure() });
    } else {
      const value = await measure();
      pairs.push({ value, floor: await measureFloor() });
    }
  }
  return {
    value: median(pairs.map(({ value }) => value)),
    floor: median(pairs.map(({ floor }) => floor)),
    ratio: median(pairs.map(({ value, floor }) => value / floor)),
    added: median(pairs.map(({ value, floor }) => value - floor)),
  };
}
