/**
 * How well a worker locks handlers up, best first. `full`: Landlock and seccomp. `no_landlock`: seccomp alone, so no handler in
 * Python opens a file at all. `deno_only`: TypeScript by Deno's own permissions, no Python. `unsandboxed`: the operator's
 * switch runs what should be refused. `refused`: no handler runs.
 */
export const cageLevels = ['full', 'no_landlock', 'deno_only', 'unsandboxed', 'refused'] as const;
export type CageLevel = (typeof cageLevels)[number];

const mark = ' cage:';

/** What a worker calls itself towards Temporal, which tells it to whoever asks about the queue. */
export function workerIdentity(processName: string, level: CageLevel): string {
  return processName + mark + level;
}

/** Undefined for a worker that is not ours. */
export function cageLevelOf(identity: string): CageLevel | undefined {
  const [, said] = identity.split(mark);
  return cageLevels.find((level) => level === said);
}

/** Undefined where there is none. */
export function worstOf(levels: readonly CageLevel[]): CageLevel | undefined {
  return cageLevels.findLast((level) => levels.includes(level));
}
