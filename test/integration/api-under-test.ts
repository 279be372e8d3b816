import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { createApp, type AppOptions } from '../../src/api/app.ts';
import type { CageLevel } from '../../src/domain/cage-level.ts';
import type { Canceller } from '../../src/api/cancelling.ts';
import type { DirectRunner } from '../../src/api/direct-runs.ts';
import type { EventToStart, StartEvent } from '../../src/api/start-soon.ts';
import { Problem } from '../../src/contract/problem.ts';
import { helperRegistry } from '../../src/handler-types/helper-registry.ts';
import { createLog } from '../../src/observability/log.ts';
import { createApiKey } from '../../src/store/api-keys.ts';
import { openStore } from '../../src/store/database.ts';
import { ensureOrganization } from '../../src/store/organizations.ts';
import { createDatabase } from '../setup/databases.ts';
import { openEmbeddedStore } from '../setup/embedded-stores.ts';

export const conversationId = '0199a3f0-0000-7000-8000-000000000001';

/** A conversation event as a platform would send it; `change` replaces fields. */
export function anEvent(change: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    id: 'closing-1',
    type: 'conversation_closed',
    occurredAt: '2026-01-31T12:00:00Z',
    conversation: aConversation(),
    ...change,
  };
}

export function aConversation(change: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    id: conversationId,
    publicId: 'C-1',
    subject: 'A late parcel',
    businessSlug: 'parcels',
    messages: [{ sender: 'customer', timestamp: '2026-01-31T11:59:00Z', content: 'Where is it?', channel: 'email' }],
    ...change,
  };
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;
}

/**
 * The API on a store of its own, with two organisations. Starts of workflows are recorded.
 */
export async function createApiUnderTest(
  engine: 'embedded' | 'postgres' = 'embedded',
  /** Another address of the database, such as one that a test can break. */
  through: (databaseUrl: string) => Promise<string> = (url) => Promise.resolve(url),
) {
  const folder = mkdtempSync(join(tmpdir(), 'afterword-api-'));
  const database = engine === 'postgres' ? await createDatabase() : undefined;
  const databaseUrl = database === undefined ? undefined : await through(database.url);
  const store =
    databaseUrl === undefined ? await openEmbeddedStore(folder) : await openStore({ databaseUrl, embeddedFolder: '' });
  await ensureOrganization(store.db, { id: 'parcels', name: 'Parcels' });
  await ensureOrganization(store.db, { id: 'rival', name: 'Rival' });
  const { key } = await createApiKey(store.db, 'parcels', 'test');
  const { key: rivalKey } = await createApiKey(store.db, 'rival', 'test');
  const started: EventToStart[] = [];
  const logLines: string[] = [];
  const log = createLog({ level: 'info', process: 'test' }, { write: (line) => void logLines.push(line) });
  const health: { temporalAway: boolean; relayLagMs: number; workers: CageLevel[] } = {
    temporalAway: false,
    relayLagMs: 0,
    workers: ['full'],
  };

  /** On the same store, with another Temporal. */
  function connect(
    startEvent: StartEvent,
    more: Partial<Omit<AppOptions, 'store' | 'startEvent' | 'health' | 'log'>> = {},
  ) {
    const app = createApp({
      store,
      startEvent,
      directRunner: neverEnding,
      registry: helperRegistry,
      canceller: nothingRuns,
      ...more,
      health: {
        checkTemporal: () => (health.temporalAway ? Promise.reject(new Error('away')) : Promise.resolve()),
        workers: () => (health.temporalAway ? Promise.reject(new Error('away')) : Promise.resolve(health.workers)),
        relayLagMs: () => health.relayLagMs,
      },
      log,
    });
    async function request(
      method: string,
      path: string,
      init: RequestInit & { key?: string | null } = {},
    ): Promise<Answer> {
      const { key: givenKey = key, ...rest } = init;
      const headers = new Headers(rest.headers);
      if (givenKey !== null) headers.set('authorization', `Bearer ${givenKey}`);
      const response = await app.request(path, { ...rest, method, headers });
      const text = await response.text();
      const body: unknown = text === '' ? undefined : JSON.parse(text);
      return { status: response.status, headers: response.headers, body };
    }
    return {
      app,
      request,
      get: (path: string, as?: string | null) => request('GET', path, as === undefined ? {} : { key: as }),
      send: (method: string, path: string, body: unknown, as?: string) =>
        request(method, path, {
          body: JSON.stringify(body),
          headers: { 'content-type': 'application/json' },
          ...(as === undefined ? {} : { key: as }),
        }),
    };
  }

  return {
    ...connect((event) => {
      started.push(event);
      return Promise.resolve({ runId: 'run', duplicate: false });
    }),
    connect,
    store,
    key,
    rivalKey,
    started,
    logLines,
    log,
    health,
    close: async () => {
      await store.close();
      await database?.drop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Direct runs wait for a worker that does not come. */
const neverEnding: DirectRunner = {
  start: () => Promise.resolve({ duplicate: false }),
  ended: (_workflowId, signal) =>
    new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => {
        reject(new Error('aborted'));
      });
    }),
  stopping: new AbortController().signal,
};

/** Temporal knows none of the workflows. */
const nothingRuns: Canceller = { execution: () => Promise.resolve(false), event: () => Promise.resolve(false) };

export type ApiUnderTest = Awaited<ReturnType<typeof createApiUnderTest>>;

/** The answer is problem details with this code; the fields that it names, in order. */
export function expectProblem(answer: Answer, status: number, code: string): Problem {
  expect(answer.body).toMatchObject({ code });
  expect(answer.status).toBe(status);
  expect(answer.headers.get('content-type')).toBe('application/problem+json');
  const problem = Problem.parse(answer.body);
  expect(problem.status).toBe(status);
  expect(problem.type).toBe(`urn:afterword:error:${code}`);
  expect(problem.requestId).toBe(answer.headers.get('x-request-id'));
  expect(problem.mend).not.toBe('');
  return problem;
}

export function fieldsOf(problem: Problem): string[] {
  return problem.errors.map(({ field }) => field);
}
