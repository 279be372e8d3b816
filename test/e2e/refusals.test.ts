import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { packageRoot } from '../../src/config/package-root.ts';
import { copyEmbeddedStore } from '../setup/embedded-stores.ts';
import { descendants, endAll, expectGone, firstStartMs, interrupt, pidOf, run, untilSaid } from './started.ts';

describe('npm start refuses', { timeout: 60_000 }, () => {
  let home: string;

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'afterword-refused-'));
    await copyEmbeddedStore(join(home, 'store'));
  });
  afterEach(endAll);
  afterAll(async () => {
    await rm(home, { recursive: true, force: true });
  });

  async function refusal(env: Record<string, string>): Promise<string> {
    const refused = run(home, { env });
    expect(await refused.exited, refused.text()).toBe(1);
    return refused.text();
  }

  test('ports that are in use, each with its variable', async () => {
    const servers = [createServer(), createServer(), createServer()];
    const ports = [];
    for (const server of servers) {
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      ports.push(String((server.address() as AddressInfo).port));
    }
    const [api = '', temporal = '', ui = ''] = ports;
    try {
      const text = await refusal({
        AFTERWORD_PORT: api,
        AFTERWORD_TEMPORAL_PORT: temporal,
        AFTERWORD_TEMPORAL_UI_PORT: ui,
      });
      expect(text).toContain('port_taken');
      expect(text).toContain(`127.0.0.1:${api} (AFTERWORD_PORT)`);
      expect(text).toContain(`127.0.0.1:${temporal} (AFTERWORD_TEMPORAL_PORT)`);
      expect(text).toContain(`127.0.0.1:${ui} (AFTERWORD_TEMPORAL_UI_PORT)`);
    } finally {
      for (const server of servers) server.close();
    }
  });

  test('a bad configuration, naming every variable', async () => {
    const text = await refusal({ AFTERWORD_PORT: 'http', AFTERWORD_LOG_LEVEL: 'loud' });
    expect(text).toContain('bad_configuration');
    expect(text).toContain('AFTERWORD_PORT');
    expect(text).toContain('AFTERWORD_LOG_LEVEL');
  });

  test('to run without a Temporal CLI', async () => {
    expect(await refusal({ TEMPORAL_CLI_PATH: '/nonexistent/temporal' })).toContain('temporal_cli_missing');
  });

  test('a folder that cannot be used', async () => {
    const text = await refusal({ AFTERWORD_HOME: join(packageRoot, 'package.json') });
    expect(text).toContain('bad_configuration');
    expect(text).toContain('AFTERWORD_HOME');
  });

  test('a Temporal CLI that does not run, leaving no process behind', async () => {
    const refused = run(home, { env: { TEMPORAL_CLI_PATH: '/bin/false' } });
    const seen = new Set<number>();
    while (refused.child.exitCode === null) {
      for (const pid of descendants(pidOf(refused))) seen.add(pid);
      await sleep(10);
    }
    expect(await refused.exited).toBe(1);
    expect(refused.text()).toContain('temporal_start_failed');
    await expectGone([...seen]);
  });
});

test('without Python the system runs and says how to mend it', { timeout: firstStartMs }, async () => {
  const home = await mkdtemp(join(tmpdir(), 'afterword-no-python-'));
  try {
    await copyEmbeddedStore(join(home, 'store'));
    const running = run(home, { env: { AFTERWORD_PYTHON: '/nonexistent/python' } });
    await untilSaid(running, 'Ctrl-C stops it', firstStartMs);
    expect(running.text()).toContain('Python handlers are refused');
    expect(running.text()).toContain('AFTERWORD_PYTHON');
    expect((await interrupt(running)).code).toBe(0);
  } finally {
    await endAll();
    await rm(home, { recursive: true, force: true });
  }
});
