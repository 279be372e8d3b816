import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ConversationInput, Message } from '../../src/contract/conversation.ts';
import { ConversationEventInput } from '../../src/contract/conversation-event.ts';
import type { HandlerPush } from '../../src/contract/handler.ts';
import { AfterwordError } from '../../src/domain/errors.ts';
import { type Database, openStore, type Store } from '../../src/store/database.ts';
import { ensureOrganization } from '../../src/store/organizations.ts';
import { createDatabase, createEmptyDatabase } from '../setup/databases.ts';
import { openEmbeddedStore } from '../setup/embedded-stores.ts';

export const engines = ['postgres', 'embedded'] as const;
export type Engine = (typeof engines)[number];

export interface StoreUnderTest {
  readonly store: Store;
  /** Opens the same database once more: of another process, as far as the database can tell. PostgreSQL only. */
  another(): Promise<Store>;
  dispose(): Promise<void>;
}

export async function openStoreUnderTest(
  engine: Engine,
  schema: 'migrated' | 'empty' = 'migrated',
): Promise<StoreUnderTest> {
  return engine === 'postgres' ? await openPostgres(schema) : await openEmbedded(schema);
}

async function openPostgres(schema: 'migrated' | 'empty'): Promise<StoreUnderTest> {
  const database = schema === 'migrated' ? await createDatabase() : await createEmptyDatabase();
  const opened: Store[] = [];
  const another = async () => {
    const store = await openStore({ databaseUrl: database.url, embeddedFolder: '' });
    opened.push(store);
    return store;
  };
  return {
    store: await another(),
    another,
    dispose: async () => {
      for (const store of opened) await store.close();
      await database.drop();
    },
  };
}

async function openEmbedded(schema: 'migrated' | 'empty'): Promise<StoreUnderTest> {
  const folder = await temporaryFolder();
  const embeddedFolder = join(folder, 'store');
  const store = schema === 'migrated' ? await openEmbeddedStore(embeddedFolder) : await openStore({ embeddedFolder });
  return {
    store,
    another: () => Promise.reject(new Error('the embedded store has one owner')),
    dispose: async () => {
      await store.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export async function temporaryFolder(): Promise<string> {
  return await mkdtemp(join(tmpdir(), 'afterword-test-store-'));
}

/** An organisation of the test's own. */
export async function newOrganization(db: Database): Promise<string> {
  const id = `org-${randomUUID()}`;
  await ensureOrganization(db, { id, name: 'Test' });
  return id;
}

export function aConversation(fields: Partial<ConversationInput> = {}): ConversationInput {
  const id = fields.id ?? randomUUID();
  return {
    id,
    publicId: `C-${id.slice(0, 8)}`,
    subject: 'Where is my order?',
    businessSlug: 'shop',
    messages: [aMessage('Hello')],
    ...fields,
  };
}

export function aMessage(content: string, fields: Partial<Message> = {}): Message {
  return { sender: 'customer', timestamp: '2026-01-02T03:04:05Z', content, channel: 'email', ...fields };
}

/** A `conversation_closed` with an id of its own and, unless it names one, a new conversation. */
export function closed(fields: object = {}): ConversationEventInput {
  const conversation = 'conversationId' in fields ? {} : { conversation: aConversation() };
  return ConversationEventInput.parse({ id: randomUUID(), type: 'conversation_closed', ...conversation, ...fields });
}

export function aHandler(name: string, fields: Partial<HandlerPush> = {}): HandlerPush {
  return {
    name,
    eventType: 'conversation_closed',
    language: 'python',
    code: 'def handle_event(context):\n    return 1\n',
    settings: { attempts: 3 },
    ...fields,
  };
}

/** The AfterwordError that the work must throw. */
export async function errorOf(work: Promise<unknown>): Promise<AfterwordError> {
  try {
    await work;
  } catch (error) {
    if (error instanceof AfterwordError) return error;
    throw error;
  }
  throw new Error('It was expected to throw.');
}
