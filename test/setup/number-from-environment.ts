/** For shorter or longer tries of the long tests. Throws where it is no number above 0. */
export function numberFromEnvironment(name: string, byDefault: number): number {
  const text = process.env[name];
  if (text === undefined || text === '') return byDefault;
  const value = Number(text);
  if (!(value > 0 && value < Number.POSITIVE_INFINITY))
    throw new Error(`${name}: expected a number above 0, got "${text}"`);
  return value;
}
