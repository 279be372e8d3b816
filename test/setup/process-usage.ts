import { readdirSync, readFileSync } from 'node:fs';
import type { ProcessIdentity } from './process-tree.ts';

export interface Usage {
  /** Resident; pages that processes share, as forked ones do, are divided among them. */
  readonly memoryBytes: number;
  readonly descriptors: number;
  readonly processes: number;
}

export const measures = ['memoryBytes', 'descriptors', 'processes'] as const satisfies readonly (keyof Usage)[];

/** Of processes together. One that has ended meanwhile counts for nothing. */
export function usageOf(processes: readonly ProcessIdentity[]): Usage {
  const each = processes.flatMap(({ pid }) => usageOfOne(pid));
  const sum = (measure: keyof Usage) => each.reduce((total, usage) => total + usage[measure], 0);
  return { memoryBytes: sum('memoryBytes'), descriptors: sum('descriptors'), processes: sum('processes') };
}

function usageOfOne(pid: number): Usage[] {
  try {
    const folder = `/proc/${String(pid)}`;
    const kilobytes = /^Pss:\s+(\d+) kB$/m.exec(readFileSync(`${folder}/smaps_rollup`, 'utf8'))?.[1];
    const descriptors = readdirSync(`${folder}/fd`).length;
    return [{ memoryBytes: Number(kilobytes ?? 0) * 1024, descriptors, processes: 1 }];
  } catch {
    return [];
  }
}

export function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}
