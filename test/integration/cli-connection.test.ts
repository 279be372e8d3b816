import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { createEmptyDatabase } from '../setup/databases.ts';
import { createCliUnderTest, runIn } from './cli-under-test.ts';
import type { CliUnderTest } from './cli-under-test.ts';

let cli: CliUnderTest;
beforeAll(async () => {
  cli = await createCliUnderTest();
});
afterAll(() => cli.close());

/** The command line in an empty folder, where nothing has ever run. */
async function runNowhere(
  args: readonly string[],
  env: Record<string, string> = {},
  files: Record<string, string> = {},
) {
  const folder = mkdtempSync(join(tmpdir(), 'afterword-nowhere-'));
  try {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
    return await runIn(folder, folder, args, { env });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function withServer<T>(answer: string, use: (url: string, seen: string[]) => Promise<T>): Promise<T> {
  const seen: string[] = [];
  const server = createServer((request, response) => {
    seen.push(String(request.headers.authorization));
    response.end(answer);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  try {
    return await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen);
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

describe('the server', () => {
  test('that was never started: where was looked, and what to do', async () => {
    const ran = await runNowhere(['executions']);
    expect(ran).toMatchObject({ exitCode: 1, stdout: '' });
    expect(ran.stderr).toMatch(/runtime\.json is not there.*\(server_unreachable\)\n {2}→ Start it with `npm start`/);
  });

  test('that has stopped', async () => {
    const ran = await runNowhere(
      ['executions', '--json'],
      {},
      {
        'runtime.json': '{"apiUrl": "http://127.0.0.1:9"}',
        'admin-key': 'aw_key_of_before',
      },
    );
    expect(ran).toMatchObject({ exitCode: 1, stdout: '' });
    expect(JSON.parse(ran.stderr)).toMatchObject({
      error: { code: 'server_unreachable', mend: expect.stringContaining('npm start') as string },
    });
  });

  test('that is another program', async () => {
    await withServer('<h1>hello</h1>', async (url) => {
      const ran = await cli.run(['handlers', 'list', '--url', url]);
      expect(ran.exitCode).toBe(1);
      expect(ran.stderr).toMatch(/another program listens there, or the versions differ.*\(server_unreachable\)/);
    });
  });

  test('whose address is no address', async () => {
    const ran = await cli.run(['handlers', 'list', '--url', 'localhost:7700']);
    expect(ran.exitCode).toBe(2);
    expect(ran.stderr).toContain('"localhost:7700" is not an address such as http://127.0.0.1:7700');
    const variable = await runNowhere(['handlers', 'list'], { AFTERWORD_URL: 'nonsense' });
    expect(variable.stderr).toContain('AFTERWORD_URL');
    expect(variable.exitCode).toBe(2);
  });

  test('is --url before AFTERWORD_URL before runtime.json', async () => {
    expect(await cli.run(['handlers', 'list'], { env: { AFTERWORD_URL: 'http://127.0.0.1:9' } })).toMatchObject({
      exitCode: 1,
    });
    const ran = await cli.run(['handlers', 'list', '--url', `${cli.url}/`], {
      env: { AFTERWORD_URL: 'http://127.0.0.1:9' },
    });
    expect(ran).toMatchObject({ exitCode: 0 });
  });
});

describe('the API key', () => {
  test('that is wrong', async () => {
    const ran = await cli.run(['handlers', 'list'], { env: { AFTERWORD_API_KEY: 'aw_this_is_not_a_key' } });
    expect(ran).toMatchObject({ exitCode: 1, stdout: '' });
    expect(ran.stderr).toMatch(/\(unauthorized\)\n {2}→ /);
    expect(ran.stderr).not.toContain('this_is_not');
  });

  test('that is missing', async () => {
    const ran = await runNowhere(['handlers', 'list'], { AFTERWORD_URL: cli.url });
    expect(ran.stderr).toContain('AFTERWORD_API_KEY is not set');
    expect(ran.exitCode).toBe(1);
  });

  test('of the local server is sent to no other machine', async () => {
    const ran = await cli.run(['handlers', 'list', '--url', 'http://afterword.example']);
    expect(ran.stderr).toContain('No API key for http://afterword.example: set AFTERWORD_API_KEY');
  });

  test('of the environment goes before the file', async () => {
    await withServer('{"items": []}', async (url, seen) => {
      const ran = await cli.run(['handlers', 'list', '--url', url], {
        env: { AFTERWORD_API_KEY: 'aw_from_the_environment' },
      });
      expect(ran).toMatchObject({ exitCode: 0 });
      expect(seen).toEqual(['Bearer aw_from_the_environment']);
    });
  });
});

describe('doctor', () => {
  test('works when nothing runs and says what to do', async () => {
    const ran = await runNowhere(['doctor'], { AFTERWORD_TEMPORAL_PORT: '9' });
    expect(ran.exitCode).toBe(1);
    expect(ran.stdout).toMatch(/^ok +node +Node \d+/m);
    expect(ran.stdout).toMatch(/^ok +deno +Deno 2\.\d+/m);
    expect(ran.stdout).toMatch(/^fail +temporal +no answer at 127\.0\.0\.1:9/m);
    expect(ran.stdout).toMatch(/^fail +server .*\n +→ Start it with `npm start`/m);
  });

  test('is content with a running server, and reports the key apart', async () => {
    const home = join(cli.folder, 'doctor-home');
    mkdirSync(home);
    writeFileSync(
      join(home, 'runtime.json'),
      JSON.stringify({ apiUrl: cli.url, temporalAddress: inject('temporal').address }),
    );
    const ran = await runIn(cli.folder, home, ['doctor', '--json'], {
      env: { AFTERWORD_API_KEY: 'aw_this_is_not_a_key' },
    });
    const { ok, checks } = JSON.parse(ran.stdout) as { ok: boolean; checks: { check: string; state: string }[] };
    const states = Object.fromEntries(checks.map(({ check, state }) => [check, state]));
    expect(states).toMatchObject({
      node: 'ok',
      deno: 'ok',
      temporal: 'ok',
      server: 'ok',
      readiness: 'ok',
      'api key': 'fail',
    });
    expect({ ok, exitCode: ran.exitCode }).toEqual({ ok: false, exitCode: 1 });
    expect((await cli.run(['doctor'])).stdout).toMatch(/^ok +api key +valid, organisation parcels$/m);
  });
});

describe('the command line itself', () => {
  test.each([['--help'], ['emit', '--help'], ['handlers', 'push', '--help'], ['help', 'logs']])(
    '%s %s prints help',
    async (...args) => {
      const ran = await runNowhere(args, { AFTERWORD_PORT: 'broken' });
      expect(ran).toMatchObject({ exitCode: 0, stderr: '' });
      expect(ran.stdout).toMatch(/^Usage: afterword/);
    },
  );

  test('--version', async () => {
    expect(await runNowhere(['--version'])).toMatchObject({ exitCode: 0, stdout: '0.0.0-test\n' });
  });

  test.each([
    [['emmit'], 'Did you mean emit?'],
    [['emit'], "missing required argument 'file'"],
    [['emit', 'x.json', '--wiat'], 'Did you mean --wait?'],
    [['emit', 'x.json', '--timeout', 'soon'], 'a number of seconds'],
    [['executions', '--limit', '0'], 'a whole number from 1 to 200'],
  ])('%j is refused with 2', async (args, message) => {
    const ran = await runNowhere(args);
    expect(ran).toMatchObject({ exitCode: 2, stdout: '' });
    expect(ran.stderr).toContain(message);
    expect(JSON.parse((await runNowhere([...args, '--json'])).stderr)).toMatchObject({
      error: { code: 'invalid_usage' },
    });
  });

  test('without a command prints the help and exits with 2', async () => {
    expect((await runNowhere([])).exitCode).toBe(2);
  });

  test('migrate without DATABASE_URL says what is missing', async () => {
    const ran = await runNowhere(['migrate']);
    expect(ran.stderr).toContain('DATABASE_URL is not set');
    expect(ran.exitCode).toBe(2);
  });

  test('migrate brings a PostgreSQL database up to date, once', async () => {
    const database = await createEmptyDatabase();
    try {
      const env = { DATABASE_URL: database.url };
      expect((await runNowhere(['migrate'], env)).stdout).toMatch(/^\d+ migrations? applied: 0001-spine/);
      expect((await runNowhere(['migrate'], env)).stdout).toBe('The schema is up to date.\n');
    } finally {
      await database.drop();
    }
  });

  test('migrate with a database that is away', async () => {
    const ran = await runNowhere(['migrate'], { DATABASE_URL: 'postgres://x:y@127.0.0.1:9/z' });
    expect(ran.exitCode).toBe(1);
    expect(ran.stderr).toContain('(store_unavailable)');
  });
});
