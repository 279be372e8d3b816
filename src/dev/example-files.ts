import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readHandlersFolder } from '../cli/handlers-folder.ts';
import { packageRoot } from '../config/package-root.ts';
import { ConversationEventInput } from '../contract/conversation-event.ts';
import type { HandlerPush } from '../contract/handler.ts';

const examples = join(packageRoot, 'examples');

/** Published at the first start: a closing and a handing off. */
const firstEvents = ['closed.json', 'handed-off.json'] as const;

export async function readExampleHandlers(): Promise<HandlerPush[]> {
  return (await readHandlersFolder(join(examples, 'handlers'))).map(({ push }) => push);
}

export function readExampleEvents(): Promise<ConversationEventInput[]> {
  return Promise.all(
    firstEvents.map(async (name) =>
      ConversationEventInput.parse(JSON.parse(await readFile(join(examples, 'events', name), 'utf8'))),
    ),
  );
}
