import { sql } from 'kysely';
import type { PoolClient } from 'pg';

/** Texts are few; where they were made without end, the later ones would be planned each time. */
const preparedAtMost = 500;
const mark = '/* prepared */';

/**
 * Ends a statement of the path of every event. On PostgreSQL its plan is kept, which takes longer to make than to carry out; others are
 * planned each time, since what is asked of a list decides how it is best found.
 */
export const prepared = sql.raw<never>(mark);

export const isMarked = (text: string): boolean => text.endsWith(mark);

/** In place: the driver knows its clients by identity. It calls `query` with a text and values alone. */
export function createPreparing(wanted: (text: string) => boolean): (client: PoolClient) => void {
  const names = new Map<string, string>();
  return (client) => {
    client.query = new Proxy(client.query, {
      apply: (query, self, [text, values]: [string, readonly unknown[] | undefined]): unknown => {
        if (
          values !== undefined &&
          values.length > 0 &&
          !names.has(text) &&
          names.size < preparedAtMost &&
          wanted(text)
        ) {
          names.set(text, `afterword-${String(names.size)}`);
        }
        const name = names.get(text);
        return Reflect.apply(query, self, name === undefined ? [text, values] : [{ text, values, name }]);
      },
    });
  };
}
