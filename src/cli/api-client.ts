import { z } from 'zod';
import { ApiKey, CreatedApiKey } from '../contract/api-key.ts';
import { ConversationWithMessages } from '../contract/conversation.ts';
import { ConversationEvent, PublishedEvent } from '../contract/conversation-event.ts';
import { DeadLetter, Resent } from '../contract/dead-letter.ts';
import type { ResendInput } from '../contract/dead-letter.ts';
import { EgressRules } from '../contract/egress.ts';
import { Execution, ExecutionDetail } from '../contract/execution.ts';
import {
  CheckedCode,
  type CodeToCheck,
  Handler,
  HandlerVersion,
  HandlerWithCode,
  PushedAndChecked,
} from '../contract/handler.ts';
import type { HandlerPush } from '../contract/handler.ts';
import {
  type DeployInput,
  HandlerDiff,
  HandlerDraft,
  type HandlerDraftInput,
  SavedDraft,
} from '../contract/handler-draft.ts';
import { type RerunInput, type RerunSetInput, StartedRerun, StartedRerunSet } from '../contract/rerun.ts';
import { Secret } from '../contract/secret.ts';
import { Sink, SinkTest } from '../contract/sink.ts';
import type { TestRunInput } from '../contract/test-run.ts';
import type { ExecutionFilterOptions } from './execution-options.ts';
import { sendForJson } from './http.ts';

export interface ExecutionQuery extends ExecutionFilterOptions {
  limit?: number | undefined;
  /** An `ExecutionPage`'s `next`. */
  before?: string | undefined;
  total?: true | undefined;
}

const ExecutionPage = z.object({
  items: z.array(Execution),
  next: z.string().nullable().default(null),
  total: z.number().optional(),
});
export type ExecutionPage = z.infer<typeof ExecutionPage>;

const DeadLetterPage = z.object({ items: z.array(DeadLetter), next: z.string().nullable() });

const ExecutionLogs = z.object({ attempt: z.number().int(), stdout: z.string(), stderr: z.string() });
export type ExecutionLogs = z.infer<typeof ExecutionLogs>;

export type ApiClient = ReturnType<typeof createApiClient>;

/** The HTTP API, one function a route; each throws ApiProblem (a refusal) or `server_unreachable`. */
export function createApiClient(options: { url: string; key: string; signal: AbortSignal }) {
  const { key, signal } = options;
  const at = (path: readonly string[]) => `${options.url}/api/v1/${path.map(encodeURIComponent).join('/')}`;
  const get = <T>(path: readonly string[], schema: z.ZodType<T>, query = '') =>
    sendForJson({ method: 'GET', url: `${at(path)}${query}`, key, signal }, schema);
  const post = <T>(path: readonly string[], schema: z.ZodType<T>, body?: unknown) =>
    sendForJson({ method: 'POST', url: at(path), key, signal, body }, schema);

  return {
    url: options.url,
    /** Sent as it is: the server says what is wrong with it. */
    publish: (event: unknown) => post(['conversation-events'], PublishedEvent, event),
    event: (id: string) => get(['conversation-events', id], ConversationEvent),
    eventExecutions: async (id: string) =>
      (await get(['conversation-events', id, 'executions'], z.object({ items: z.array(Execution) }))).items,
    conversation: (idOrPublicId: string) => get(['conversations', idOrPublicId], ConversationWithMessages),
    handlers: async () => (await get(['handlers'], z.object({ items: z.array(Handler) }))).items,
    handler: (name: string) => get(['handlers', name], HandlerWithCode),
    checkCode: (input: z.input<typeof CodeToCheck>) => post(['handlers', 'validate'], CheckedCode, input),
    pushHandler: (push: HandlerPush, { validate = true }: { validate?: boolean } = {}) => {
      const url = `${at(['handlers', push.name])}${validate ? '' : '?validate=false'}`;
      return sendForJson({ method: 'PUT', url, key, signal, body: push }, PushedAndChecked);
    },
    setHandlerEnabled: (name: string, enabled: boolean) =>
      post(['handlers', name, enabled ? 'enable' : 'disable'], Handler),
    handlerVersions: async (name: string) =>
      (await get(['handlers', name, 'versions'], z.object({ items: z.array(HandlerVersion) }))).items,
    rollbackHandler: (name: string, version: number) => post(['handlers', name, 'rollback'], Handler, { version }),
    draft: (name: string) => get(['handlers', name, 'draft'], HandlerDraft),
    saveDraft: (name: string, body: z.input<typeof HandlerDraftInput>) =>
      sendForJson({ method: 'PUT', url: at(['handlers', name, 'draft']), key, signal, body }, SavedDraft),
    deployDraft: (name: string, body: DeployInput, { validate }: { validate: boolean }) => {
      const url = `${at(['handlers', name, 'deploy'])}${validate ? '' : '?validate=false'}`;
      return sendForJson({ method: 'POST', url, key, signal, body }, PushedAndChecked);
    },
    handlerDiff: (name: string, query: { from: number | undefined; to: string }) =>
      get(['handlers', name, 'diff'], HandlerDiff, queryText(query)),
    deleteHandler: (name: string) =>
      sendForJson({ method: 'DELETE', url: at(['handlers', name]), key, signal }, Handler),
    egress: () => get(['egress'], EgressRules),
    setEgress: (rules: EgressRules) =>
      sendForJson({ method: 'PUT', url: at(['egress']), key, signal, body: rules }, EgressRules),
    secrets: async () => (await get(['secrets'], z.object({ items: z.array(Secret) }))).items,
    setSecret: (name: string, value: string) =>
      sendForJson({ method: 'PUT', url: at(['secrets', name]), key, signal, body: { value } }, Secret),
    deleteSecret: (name: string) => sendForJson({ method: 'DELETE', url: at(['secrets', name]), key, signal }, Secret),
    sinks: async () => (await get(['sinks'], z.object({ items: z.array(Sink) }))).items,
    /** Sent as it is: the server says what is wrong with it. */
    createSink: (input: unknown) => post(['sinks'], Sink, input),
    changeSink: (id: string, body: unknown) =>
      sendForJson({ method: 'PATCH', url: at(['sinks', id]), key, signal, body }, Sink),
    testSink: (id: string) => post(['sinks', id, 'test'], SinkTest),
    deleteSink: (id: string) => sendForJson({ method: 'DELETE', url: at(['sinks', id]), key, signal }, Sink),
    deadLetters: (query: { sink?: string | undefined; limit: number; before?: string | undefined }) =>
      get(['analytics', 'dead-letters'], DeadLetterPage, queryText(query)),
    resendDeadLetters: (input: ResendInput) => post(['analytics', 'dead-letters', 'resend'], Resent, input),
    apiKeys: async () => (await get(['api-keys'], z.object({ items: z.array(ApiKey) }), '?limit=200')).items,
    /** Sent as it is: the server says what is wrong with it. */
    createApiKey: (input: unknown) => post(['api-keys'], CreatedApiKey, input),
    revokeApiKey: (id: string) => sendForJson({ method: 'DELETE', url: at(['api-keys', id]), key, signal }, ApiKey),
    executions: (query: ExecutionQuery) => get(['executions'], ExecutionPage, queryText(query)),
    testRun: (input: z.input<typeof TestRunInput>) => post(['test-runs'], ExecutionDetail, input),
    rerun: (id: string, input: RerunInput) => post(['executions', id, 'rerun'], StartedRerun, input),
    rerunSet: (input: z.input<typeof RerunSetInput>) => post(['executions', 'rerun'], StartedRerunSet, input),
    execution: (id: string) => get(['executions', id], ExecutionDetail),
    cancelExecution: (id: string) => post(['executions', id, 'cancel'], Execution),
    cancelEvent: (id: string) => post(['conversation-events', id, 'cancel'], ConversationEvent),
    logs: (id: string, attempt?: number) =>
      get(['executions', id, 'logs'], ExecutionLogs, attempt === undefined ? '' : `?attempt=${attempt}`),
  };
}

function queryText(query: object): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries<unknown>({ ...query })) {
    if (value === undefined) continue;
    for (const one of Array.isArray(value) ? value : [value]) parameters.append(name, String(one));
  }
  return parameters.size === 0 ? '' : `?${parameters.toString()}`;
}
