import { expect, inject, test } from 'vitest';
import pg from 'pg';
import { createDatabase } from '../setup/databases.ts';
test('x', async () => {
  const t=Date.now();
  const db = await createDatabase();
  console.log('create ms', Date.now()-t);
  const c = new pg.Client({connectionString: db.url}); await c.connect();
  console.log((await c.query("select table_name from information_schema.tables where table_schema='public'")).rows.length);
  await c.end();
  const t2=Date.now(); await db.drop(); console.log('drop ms', Date.now()-t2);
  console.log(inject('temporal'), inject('workflowBundle'), inject('python'));
  expect(process.version).toMatch(/v24/);
});
