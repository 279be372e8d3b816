import { AttemptCalls } from '../../src/activities/attempt-calls.ts';
import { openCalls } from '../../src/activities/call-privacy.ts';
import { HandlerRequests } from '../../src/activities/handler-requests.ts';
import { HandlerSettings } from '../../src/contract/handler.ts';
import { EgressPolicy } from '../../src/sandbox/http-gateway/egress-policy.ts';
import type { HttpGateway } from '../../src/sandbox/http-gateway/gateway.ts';
import { noKeyring } from '../../src/secrets/keyring.ts';
import type { Store } from '../../src/store/database.ts';
import { createDirectRun } from '../../src/store/direct-runs.ts';
import { beginAttempt } from '../../src/store/execution-ledger/begin-attempt.ts';

interface Post {
  readonly url: string;
  readonly body: string;
}

const times = 40;

/** The same POST in three ways, and the commits that recording takes; milliseconds of each, 40 of them. */
export function createPosts(store: Store, gateway: HttpGateway) {
  const requestOf = ({ url, body }: Post) => ({
    method: 'POST',
    url,
    headers: [],
    body: Buffer.from(body),
    insecure: false,
    connectMs: 5_000,
    readMs: 5_000,
  });
  return {
    postDirectly: ({ url, body }: Post) =>
      timed(async () => {
        await (await fetch(url, { method: 'POST', body })).arrayBuffer();
      }),
    postThroughGateway: (post: Post) =>
      timed(async () => {
        const { ok } = await gateway.send(requestOf(post), new AbortController().signal);
        if (!ok) throw new Error('the gateway did not send it');
      }),
    async postRecorded({ organization, ...post }: Post & { organization: string }) {
      const requests = await requestsOfNewRun(organization);
      return await timed(async () => {
        const { ok } = await requests.answer(requestOf(post));
        if (!ok) throw new Error('the request was not answered');
      });
    },
    commitTwice: (organization: string) =>
      timed(async () => {
        for (const name of ['one', 'two']) {
          await store.db.updateTable('organizations').set({ name }).where('id', '=', organization).execute();
        }
      }),
  };

  /** Of an attempt that has begun and does nothing else. */
  async function requestsOfNewRun(organizationId: string): Promise<HandlerRequests> {
    const now = new Date();
    const { executionId } = await createDirectRun(store.db, organizationId, {
      kind: 'test',
      handlerName: 'posts',
      handlerId: null,
      handlerVersionId: null,
      conversationId: null,
      eventType: 'conversation_closed',
      occurredAt: now,
      contextJson: '{}',
      messageSeq: 0,
      language: 'python',
      code: 'pass',
      settings: HandlerSettings.parse({}),
    });
    const ref = { organizationId, executionId, attempt: 1 };
    await beginAttempt(store.db, {
      ...ref,
      turn: ref.attempt,
      claimFor: null,
      queuedAt: now,
      startedAt: now,
      worker: 'bench',
    });
    return new HandlerRequests({
      db: store.db,
      ref,
      rootId: ref.executionId,
      gateway,
      egress: new EgressPolicy([]),
      keys: noKeyring,
      privacy: openCalls,
      calls: new AttemptCalls({ calls: [], made: { helperCalls: 0, requests: 0 } }),
      writeWithLogs: (write) => write([]),
    });
  }
}

async function timed(work: () => Promise<void>): Promise<number[]> {
  const measured: number[] = [];
  for (let n = 0; n < times; n += 1) {
    const from = performance.now();
    await work();
    measured.push(performance.now() - from);
  }
  return measured;
}
