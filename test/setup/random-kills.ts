import { setTimeout as sleep } from 'node:timers/promises';

export interface Victim {
  readonly name: string;
  /** SIGKILL; resolves when it works again. */
  replace(): Promise<void>;
  /** The next kill may come while it is still on its way back. */
  readonly mayOverlap: boolean;
}

export interface KillPlan {
  readonly kills: number;
  /** From 0 up to 1. */
  readonly random: () => number;
}

const longestLifeMs = 3_000;
/** Of the kills after which nobody waits until all work again. */
const overlapping = 0.25;

/** Kills one after the other, each victim and each moment by chance; resolves when all work again: kills by name. */
export async function killAtRandom(
  victims: readonly Victim[],
  { kills, random }: KillPlan,
): Promise<Readonly<Record<string, number>>> {
  const counted: Record<string, number> = {};
  const onTheirWay = new Map<Victim, Promise<void>>();
  for (let kill = 1; kill <= kills; kill += 1) {
    const [which, overlaps, life] = [random(), random(), random()];
    const victim = victims[Math.floor(which * victims.length)];
    if (victim === undefined) throw new Error('nobody is there to be killed');
    await sleep(life * longestLifeMs);
    await onTheirWay.get(victim);
    counted[victim.name] = (counted[victim.name] ?? 0) + 1;
    const from = Date.now();
    const replaced = victim.replace();
    replaced.catch(() => undefined); // whoever awaits it hears of it
    onTheirWay.set(victim, replaced);
    if (victim.mayOverlap && overlaps < overlapping && kill < kills) continue;
    await Promise.all(onTheirWay.values());
    onTheirWay.clear();
    console.log(`kill ${String(kill)} of ${String(kills)}: ${victim.name}, back after ${String(Date.now() - from)} ms`);
  }
  return counted;
}
