import { z } from 'zod';

const defaultItems = 50;
const maxItems = 200;

const Limit = z
  .string()
  .regex(/^\d{1,6}$/, `a whole number from 1 to ${maxItems}`)
  .transform(Number)
  .refine((value) => value >= 1 && value <= maxItems, `expected a whole number from 1 to ${maxItems}`)
  .default(defaultItems)
  .meta({ type: 'integer', description: `Items an answer, at most ${maxItems}.` });

const Before = z.uuid('is not a cursor that a list answered').optional().meta({
  description: 'Where to go on: the `next` of the answer before.',
});

/** The query of every list that comes in pages, newest first. */
export const PageQuery = z.strictObject({ limit: Limit, before: Before });
export type PageQuery = z.infer<typeof PageQuery>;

export function listOf<Item extends z.ZodType>(item: Item, id: string) {
  const next = z.string().nullable().meta({ description: 'For `before` of the next request; null at the end.' });
  return z.object({ items: z.array(item), next }).meta({ id });
}

/** Asks for one item more than wanted: whether there is one tells whether there is a next page. */
export async function pageOf<Item extends { readonly id: string }>(
  { limit, before }: PageQuery,
  list: (page: { limit: number; before?: string }) => Promise<readonly Item[]>,
): Promise<{ items: Item[]; next: string | null }> {
  const found = await list({ limit: limit + 1, ...(before === undefined ? {} : { before }) });
  const items = found.slice(0, limit);
  return { items, next: found.length > limit ? (items.at(-1)?.id ?? null) : null };
}
