import type { HandlerWithCode } from '../contract/handler.ts';
import { HandlerSettings } from '../contract/handler.ts';
import type { TestRunInput } from '../contract/test-run.ts';
import { contextJsonOf } from './conversation-rows.ts';
import { findConversationRow } from './conversations.ts';
import type { Database } from './database.ts';
import type { NewDirectRun } from './direct-runs.ts';
import { findCurrentVersion } from './handlers.ts';

/** What stands for the handler's name where the code belongs to none. */
const unsavedName = 'unsaved';

/**
 * The run that a test asks for, on the conversation as it is now. Throws `conversation_not_found`,
 * `handler_not_found`.
 */
export async function testRunOf(db: Database, organizationId: string, input: TestRunInput): Promise<NewDirectRun> {
  const conversation = await findConversationRow(db, organizationId, input.conversation);
  const saved = input.handler === undefined ? undefined : await findCurrentVersion(db, organizationId, input.handler);
  const settings = input.settings ?? saved?.handler.settings ?? HandlerSettings.parse({});
  return {
    kind: 'test',
    ...programOf(input, saved),
    conversationId: conversation.id,
    eventType: input.eventType ?? saved?.handler.eventType ?? '',
    actor: input.actor,
    occurredAt: new Date(),
    contextJson: contextJsonOf(conversation),
    messageSeq: conversation.message_count,
    settings: { ...settings, attempts: 1 },
  };
}

function programOf(
  { code, language }: TestRunInput,
  saved: { handler: HandlerWithCode; versionId: string } | undefined,
): Pick<NewDirectRun, 'handlerName' | 'handlerId' | 'handlerVersionId' | 'language' | 'code'> {
  if (saved === undefined) {
    const of = { handlerName: unsavedName, handlerId: null, handlerVersionId: null };
    return { ...of, language: language ?? 'python', code: code ?? '' };
  }
  const { handler, versionId } = saved;
  const program = code === undefined ? handler : { language: language ?? handler.language, code };
  const isSaved = program.code === handler.code && program.language === handler.language;
  return {
    handlerName: handler.name,
    handlerId: handler.id,
    handlerVersionId: isSaved ? versionId : null,
    language: program.language,
    code: program.code,
  };
}
