import { InvalidArgumentError } from 'commander';

function numberFrom(text: string, pattern: RegExp, min: number, max: number, what: string): number {
  const value = pattern.test(text) ? Number(text) : Number.NaN;
  if (!(value >= min && value <= max)) throw new InvalidArgumentError(`It should be ${what} from ${min} to ${max}.`);
  return value;
}

export function seconds(text: string): number {
  return numberFrom(text, /^\d+(\.\d+)?$/, 0, 86_400, 'a number of seconds');
}

export function pageSize(text: string): number {
  return numberFrom(text, /^\d+$/, 1, 200, 'a whole number');
}

export function positiveWhole(text: string): number {
  return numberFrom(text, /^\d+$/, 1, 1_000_000_000, 'a whole number');
}
