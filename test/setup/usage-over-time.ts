import { measures, median, type Usage } from './process-usage.ts';

const quarters = 4;
const grownBy: Readonly<Record<keyof Usage, (before: number) => number>> = {
  memoryBytes: (before) => (before * 115) / 100,
  descriptors: (before) => before + 5,
  processes: (before) => before + 5,
};

/** Samples of groups of processes, in even steps. */
export class UsageOverTime {
  readonly #samples = new Map<string, Usage[]>();

  add(group: string, usage: Usage): void {
    const samples = this.#samples.get(group) ?? [];
    samples.push(usage);
    this.#samples.set(group, samples);
  }

  /** Medians of each quarter. The first warms up: caches and heaps fill. */
  table(): readonly string[] {
    return this.#rows().map(({ group, measure, medians }) => `${group} ${measure}: ${medians.join(' ')}`);
  }

  /** What has grown from the second quarter to the last by more than its bound: 15 % of memory, 5 of anything else. */
  grown(): readonly string[] {
    return this.#rows().flatMap(({ group, measure, medians }) => {
      const [, before = Number.NaN, , after = Number.NaN] = medians;
      const most = grownBy[measure](before);
      return after <= most ? [] : [`${group} ${measure}: ${String(before)} grew to ${String(after)}`];
    });
  }

  #rows() {
    return [...this.#samples].flatMap(([group, samples]) =>
      measures.map((measure) => ({ group, measure, medians: mediansOf(samples.map((usage) => usage[measure])) })),
    );
  }
}

function mediansOf(numbers: readonly number[]): readonly number[] {
  const at = (quarter: number) => Math.floor((numbers.length * quarter) / quarters);
  return Array.from({ length: quarters }, (_, quarter) => median(numbers.slice(at(quarter), at(quarter + 1))));
}
