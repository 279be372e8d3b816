/** Google's field masks: `sheets(properties(sheetId,title),data.rowData)`. Only what is named is answered. */
type Mask = Map<string, Mask>;

export function applyMask(value: object, fields: string | null): object {
  if (fields === null || fields === '' || fields === '*') return value;
  const kept = keep(value, parseMask(fields));
  return typeof kept === 'object' && kept !== null ? kept : {};
}

function keep(value: unknown, mask: Mask): unknown {
  if (mask.size === 0 || typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((item: unknown) => keep(item, mask));
  const entries = Object.entries(value).flatMap(([key, item]) => {
    const inner = mask.get(key);
    return inner === undefined ? [] : [[key, keep(item, inner)] as const];
  });
  return Object.fromEntries(entries);
}

function parseMask(text: string): Mask {
  const root: Mask = new Map<string, Mask>();
  const open: Mask[] = [root];
  let at = root;
  for (const token of text.match(/[^(),.]+|[(),.]/g) ?? []) {
    if (token === '(') open.push(at);
    else if (token === ')') open.pop();
    if (token === '(' || token === ')' || token === ',') at = open.at(-1) ?? root;
    else if (token !== '.') at = childOf(at, token);
  }
  return root;
}

function childOf(mask: Mask, name: string): Mask {
  const child: Mask = mask.get(name) ?? new Map<string, Mask>();
  mask.set(name, child);
  return child;
}
