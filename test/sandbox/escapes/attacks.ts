/** Why it is not shown that an attack gets through where there is no cage. */
type Unshown = 'needs privileges' | 'would do harm' | 'depends on the kernel' | 'fails anywhere';

/** Code for `attack.py` or `attack.js`; alone, where a test shows that it gets through without the cage. */
type Attack = string | readonly [code: string, unshown: Unshown];

export type Attacks = Readonly<Record<string, Attack>>;

export const codeOf = (attack: Attack): string => (typeof attack === 'string' ? attack : attack[0]);

/** Those that are shown to get through without the cage, by name. */
export function shown(attacks: Attacks): Record<string, string> {
  return Object.fromEntries(
    Object.entries(attacks).flatMap(([name, attack]) => (typeof attack === 'string' ? [[name, attack]] : [])),
  );
}
