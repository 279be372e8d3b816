import { afterAll, beforeAll, expect, test } from 'vitest';
import { CreatedApiKey } from '../../src/contract/api-key.ts';
import { createCliUnderTest, type CliUnderTest } from './cli-under-test.ts';

let cli: CliUnderTest;
beforeAll(async () => {
  cli = await createCliUnderTest();
});
afterAll(() => cli.close());

const statusWith = async (key: string, path = '/api/v1/organization') =>
  (await fetch(`${cli.url}${path}`, { headers: { authorization: `Bearer ${key}` } })).status;

test('a key is printed alone, listed without itself, and revoked', async () => {
  const made = await cli.run(['keys', 'create', 'dashboard', '--scope', 'read', '--expires', '90d']);
  expect(made).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^aw_[\w-]{43}\n$/) });
  expect(made.stderr).toMatch(/dashboard \(aw_[\w-]+…\): read, until .*shown this once/);
  const key = made.stdout.trim();
  expect(await statusWith(key)).toBe(200);

  const list = await cli.run(['keys', 'list']);
  expect(list.stdout).toMatch(/ID\s+NAME\s+KEY\s+SCOPES\s+CREATED\s+LAST USED\s+STATE/);
  expect(list.stdout).toMatch(/dashboard\s+aw_\S+…\s+read\s.*until/);
  expect(list.stdout).not.toContain(key);

  const id = /^(\S+)\s+dashboard/mu.exec(list.stdout)?.[1] ?? '';
  expect(await cli.run(['keys', 'revoke', id])).toMatchObject({ exitCode: 0, stdout: 'dashboard is revoked.\n' });
  expect(await statusWith(key)).toBe(401);
  expect((await cli.run(['keys', 'list'])).stdout).toMatch(/dashboard.*revoked/);
});

test('a key that the server refuses is told why', async () => {
  const past = ['keys', 'create', 'x', '--scope', 'read', '--expires', '2020-01-01T00:00:00Z'];
  expect(await cli.run(past)).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining('expiresAt: lies in the past'),
  });
  expect(await cli.run(['keys', 'create', 'x', '--scope', 'root'])).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining('Allowed choices are read, publish, write, admin, operator'),
  });
  expect(await cli.run(['keys', 'create', 'x'])).toMatchObject({ exitCode: 2 });
  const operator = await cli.run(['keys', 'create', 'x', '--scope', 'operator']);
  expect(operator).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('--at-machine') });
});

test('at the machine a key is written into the database, also the operator’s', async () => {
  const env = { DATABASE_URL: cli.databaseUrl };
  const create = ['keys', 'create', 'operator', '--scope', 'operator', '--at-machine'];
  expect(await cli.run(create)).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('DATABASE_URL') });
  expect(await cli.run([...create, '--organization', 'nobody'], { env })).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining('There is no organisation "nobody"'),
  });
  const made = await cli.run([...create, '--organization', 'parcels', '--json'], { env });
  const { key, scopes } = CreatedApiKey.parse(JSON.parse(made.stdout));
  expect(scopes).toEqual(['operator']);
  expect(await statusWith(key, '/api/v1/organizations')).toBe(200);
  expect(await statusWith(key)).toBe(403);
  const audit = cli.store.db.selectFrom('audit_entries').select(['who', 'key_id', 'action']);
  expect(await audit.where('who', '=', 'operator').execute()).toEqual([
    { who: 'operator', key_id: null, action: 'api-keys.create' },
  ]);
});
