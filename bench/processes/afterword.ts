/** The product as one worker process: store, workers, cage. */
import { availableParallelism } from 'node:os';
import { workflowBundlePath } from '../../src/config/workflow-bundle.ts';
import { readToolchain } from '../../src/config/toolchain.ts';
import { ConversationInput } from '../../src/contract/conversation.ts';
import type { z } from 'zod';
import { HandlerPush } from '../../src/contract/handler.ts';
import { createLog } from '../../src/observability/log.ts';
import { startServer } from '../../src/server.ts';
import { createApiKey } from '../../src/store/api-keys.ts';
import { createSandbox } from '../../src/sandbox/create-sandbox.ts';
import { createHttpGateway } from '../../src/sandbox/http-gateway/gateway.ts';
import { saveConversation } from '../../src/store/conversations.ts';
import { openStore } from '../../src/store/database.ts';
import { pushHandler } from '../../src/store/handlers.ts';
import { migrate } from '../../src/store/migrate.ts';
import { ensureOrganization } from '../../src/store/organizations.ts';
import { connectTemporal } from '../../src/temporal/connection.ts';
import { connectNative } from '../../src/temporal/native-connection.ts';
import { installTemporalRuntime } from '../../src/temporal/runtime.ts';
import { startWorkers } from '../../src/workers.ts';
import { createPosts } from './posts.ts';
import { serve } from './serve.ts';

type SeededHandler = Pick<z.input<typeof HandlerPush>, 'name' | 'code' | 'language'>;

const log = createLog({ level: 'warn', process: 'bench' });
installTemporalRuntime(log);
const store = await openStore({
  databaseUrl: process.env.BENCH_DATABASE_URL,
  embeddedFolder: process.env.BENCH_FOLDER ?? '',
});
await migrate(store);
const address = process.env.BENCH_TEMPORAL;
const temporal = connectTemporal({ address });
const taskQueue = 'afterword';
const http = { openNetworks: ['127.0.0.1'], origins: new Map<string, string>() };
const gateway = createHttpGateway(http);
await startWorkers({
  store,
  temporal,
  connection: await connectNative({ address }),
  sandbox: await createSandbox({ pythonPath: readToolchain().python ?? 'python3' }),
  http,
  taskQueue,
  handlerSlots: 4 * availableParallelism(),
  workflowBundlePath,
});

serve({
  async seed({ organization, handlers }: { organization: string; handlers: SeededHandler[] }) {
    await ensureOrganization(store.db, { id: organization, name: organization });
    for (const handler of handlers) {
      const push = HandlerPush.parse({ ...handler, eventType: 'conversation_closed' });
      await pushHandler(store.db, organization, push);
    }
  },
  ...createPosts(store, gateway),
  async saveConversation({ organization, conversation }: { organization: string; conversation: unknown }) {
    await store.db
      .transaction()
      .execute((trx) => saveConversation(trx, organization, ConversationInput.parse(conversation)));
  },
  /** The API on a free port, with a key of the organisation. */
  async api(organization: string) {
    const config = { host: '127.0.0.1', port: 0, taskQueue, python: null };
    const { url } = await startServer({ config, store, temporal, log });
    return { url, key: (await createApiKey(store.db, organization, 'bench')).key };
  },
  /** Results of an organisation's executions, oldest first. */
  async results(organization: string) {
    const rows = await store.db
      .selectFrom('executions')
      .innerJoin('conversation_events', 'conversation_events.id', 'executions.event_id')
      .select(['conversation_events.event_id', 'result'])
      .where('executions.organization_id', '=', organization)
      .orderBy('executions.id')
      .execute();
    return rows.map((row) => ({ eventId: row.event_id, result: JSON.parse(row.result ?? 'null') as unknown }));
  },
  /** How long each attempt took in all, milliseconds, oldest first. */
  async attempts(organization: string) {
    const rows = await store.db
      .selectFrom('attempts')
      .select(['attempt', 'started_at', 'finished_at'])
      .where('organization_id', '=', organization)
      .orderBy('started_at')
      .execute();
    return rows.map((row) => ({
      attempt: row.attempt,
      ms: (row.finished_at?.getTime() ?? 0) - row.started_at.getTime(),
    }));
  },
});
