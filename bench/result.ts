import Table from 'cli-table3';

export interface BenchResult {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly floor: number | null;
  /** What the bar is set on: value over floor, or the value itself where there is no floor. */
  readonly ratio: number | null;
  readonly bar: string | null;
  readonly holds: boolean;
}

interface Measured {
  readonly value: number;
  readonly floor?: number;
  readonly ratio?: number;
}

function rounded(value: number | undefined): number | null {
  return value === undefined ? null : Math.round(value * 1000) / 1000;
}

/** A row whose bar is on the ratio to the floor of the same run, or on the value where it has no floor. */
export function row(
  name: string,
  unit: string,
  measured: Measured,
  bar?: { readonly atMost: number } | { readonly atLeast: number },
): BenchResult {
  const judged = measured.ratio ?? measured.value;
  const sign = measured.ratio === undefined ? ` ${unit}` : '×';
  const common = {
    name,
    unit,
    value: rounded(measured.value) ?? NaN,
    floor: rounded(measured.floor),
    ratio: rounded(measured.ratio),
  };
  if (bar === undefined) return { ...common, bar: null, holds: true };
  return 'atMost' in bar
    ? { ...common, bar: `≤${String(bar.atMost)}${sign}`, holds: judged <= bar.atMost }
    : { ...common, bar: `≥${String(bar.atLeast)}${sign}`, holds: judged >= bar.atLeast };
}

const clusterMark = ', on a cluster';

/** The bars are the development server's. */
export function onCluster(result: BenchResult): BenchResult {
  return { ...result, name: result.name + clusterMark, bar: null, holds: true };
}

export function lineOf({ name, value, unit, floor, ratio, bar, holds }: BenchResult): string {
  const beside = floor === null ? '' : `, floor ${String(floor)}${ratio === null ? '' : `, ${String(ratio)}×`}`;
  return `${name}: ${String(value)} ${unit}${beside}${bar === null ? '' : ` (${bar}${holds ? '' : ': NO'})`}`;
}

/** `old` with the rows of `fresh` in the place of those of the same name. */
export function replaced(old: readonly BenchResult[], fresh: readonly BenchResult[]): BenchResult[] {
  const names = new Set(old.map(({ name }) => name));
  const byName = new Map(fresh.map((result) => [result.name, result]));
  return [...old.map((result) => byName.get(result.name) ?? result), ...fresh.filter(({ name }) => !names.has(name))];
}

/** Each row with what it came to on a cluster beside it. */
export function tableOf(results: readonly BenchResult[]): string {
  const head = ['', 'value', 'floor', 'ratio', 'bar', 'holds', 'cluster', 'floor', 'ratio'];
  const table = new Table({ head, style: { head: [], border: [] } });
  const byName = new Map(results.map((result) => [result.name, result]));
  for (const result of results) {
    if (result.name.endsWith(clusterMark)) continue;
    const beside = byName.get(result.name + clusterMark);
    table.push([
      result.name,
      ...numbersOf(result),
      result.bar ?? '',
      result.holds ? 'yes' : 'NO',
      ...numbersOf(beside),
    ]);
  }
  return table.toString();
}

function numbersOf(result: BenchResult | undefined): string[] {
  if (result === undefined) return ['', '', ''];
  const { value, unit, floor, ratio } = result;
  return [`${String(value)} ${unit}`, String(floor ?? ''), String(ratio ?? '')];
}
