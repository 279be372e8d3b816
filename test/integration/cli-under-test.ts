import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { inject } from 'vitest';
import { createApp, type AppOptions } from '../../src/api/app.ts';
import { listen } from '../../src/api/listen.ts';
import type { EventToStart } from '../../src/api/start-soon.ts';
import { runCommandLine } from '../../src/cli/program.ts';
import { loadConfig } from '../../src/config/config.ts';
import { helperRegistry } from '../../src/handler-types/helper-registry.ts';
import { helpers } from '../../src/helpers/registry.ts';
import { createLog } from '../../src/observability/log.ts';
import { createCodeCheck } from '../../src/sandbox/code-check.ts';
import { createApiKey } from '../../src/store/api-keys.ts';
import { openStore } from '../../src/store/database.ts';
import type { Store } from '../../src/store/database.ts';
import { ensureOrganization } from '../../src/store/organizations.ts';
import { createDatabase } from '../setup/databases.ts';
import { testKeys } from '../setup/keys.ts';

export interface Ran {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly stdin?: string;
  readonly env?: Record<string, string>;
  readonly signal?: AbortSignal;
  /** Sees stdout as it grows. */
  readonly onStdout?: (sofar: string) => void;
}

/** The command line in this process, as in a folder `cwd` whose AFTERWORD_HOME is `home`. */
export async function runIn(
  cwd: string,
  home: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<Ran> {
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  let sofar = '';
  stdout.on('data', (chunk: Buffer) => options.onStdout?.((sofar += chunk.toString())));
  const written = Promise.all([text(stdout), text(stderr)]);
  const exitCode = await runCommandLine(args, {
    stdin: Readable.from([Buffer.from(options.stdin ?? '')]),
    stdout,
    stderr,
    cwd,
    version: '0.0.0-test',
    loadConfig: () => loadConfig({ AFTERWORD_HOME: home, ...options.env }),
    signal: options.signal ?? new AbortController().signal,
  });
  stdout.end();
  stderr.end();
  const [out, err] = await written;
  return { exitCode, stdout: out, stderr: err };
}

export type PlayEvent = (store: Store, event: EventToStart) => Promise<void>;

/** The API on a port with a database of its own, and a folder to work in; `play` stands for the workers. */
export async function createCliUnderTest(more: Pick<AppOptions, 'testSink'> = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'afterword-cli-'));
  const home = join(folder, '.afterword');
  const database = await createDatabase();
  const store = await openStore({ databaseUrl: database.url, embeddedFolder: home });
  await ensureOrganization(store.db, { id: 'parcels', name: 'Parcels' });
  const { key } = await createApiKey(store.db, 'parcels', 'test');
  /** `hurried`: the server answers a test run before it has ended, as one that stops. */
  const workers: { play: PlayEvent; hurried: boolean } = { play: () => Promise.resolve(), hurried: false };
  const plays: Promise<void>[] = [];
  const app = createApp({
    ...more,
    store,
    startEvent: (event) => {
      plays.push(workers.play(store, event));
      return Promise.resolve({ runId: 'run', duplicate: false });
    },
    registry: helperRegistry,
    keys: testKeys,
    directRunner: {
      start: (run) => {
        const { organizationId, executionId, workflowId, eventType: type, conversationId, handlerName } = run;
        const executions = [{ executionId, handlerName }];
        const event = { id: '', organizationId, workflowId, type, conversationId: conversationId ?? '', executions };
        plays.push(workers.play(store, event));
        return Promise.resolve({ duplicate: false });
      },
      ended: async (_workflowId, signal) => {
        if (!signal.aborted) await Promise.all(plays);
      },
      get stopping() {
        return workers.hurried ? AbortSignal.abort() : new AbortController().signal;
      },
    },
    canceller: { execution: () => Promise.resolve(false), event: () => Promise.resolve(false) },
    checkCode: createCodeCheck({
      pythonPath: inject('python') ?? 'python3',
      helperNames: helpers.map(({ name }) => name),
    }),
    health: { checkTemporal: () => Promise.resolve(), workers: () => Promise.resolve(['full']), relayLagMs: () => 0 },
    log: createLog({ level: 'silent', process: 'test' }),
  });
  const server = await listen(app, { host: '127.0.0.1', port: 0 });
  mkdirSync(home);
  writeFileSync(join(home, 'runtime.json'), JSON.stringify({ apiUrl: server.url }));
  writeFileSync(join(home, 'admin-key'), `${key}\n`);
  return {
    folder,
    home,
    store,
    url: server.url,
    databaseUrl: database.url,
    workers,
    run: (args: readonly string[], options?: RunOptions) => runIn(folder, home, args, options),
    close: async () => {
      await Promise.all(plays);
      await server.stop(1_000);
      await store.close();
      await database.drop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export type CliUnderTest = Awaited<ReturnType<typeof createCliUnderTest>>;
