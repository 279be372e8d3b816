import { z } from 'zod';
import { attemptOutcomes, executionKinds, executionStatuses, failureReasons } from '../domain/status.ts';
import { AnalyticsEvent } from './analytics.ts';
import { JsonValue } from './json.ts';

export const ExecutionStatus = z.enum(executionStatuses).meta({ id: 'ExecutionStatus' });
export const ExecutionKind = z
  .enum(executionKinds)
  .meta({ id: 'ExecutionKind', description: 'Whether an event, a test or the invocation of a tool started it.' });
export const FailureReason = z.enum(failureReasons).meta({ id: 'FailureReason' });

export const HandlerError = z
  .object({
    type: z.string(),
    message: z.string(),
    /** The user's own frames only. */
    traceback: z.string(),
  })
  .meta({ id: 'HandlerError' });
export type HandlerError = z.infer<typeof HandlerError>;

export const Execution = z
  .object({
    id: z.string(),
    kind: ExecutionKind,
    eventId: z.string().nullable().meta({ description: 'Id of the conversation event; null where none started it.' }),
    eventType: z.string(),
    conversationId: z.string().nullable(),
    conversationPublicId: z.string().nullable(),
    handlerId: z.string().nullable().meta({ description: 'Null for code that belongs to no saved handler.' }),
    handlerName: z.string(),
    handlerVersion: z.number().int().nullable().meta({ description: 'Null for code that was not saved.' }),
    status: ExecutionStatus,
    reason: FailureReason.nullable(),
    error: HandlerError.nullable(),
    result: JsonValue.nullable(),
    attempts: z.number().int(),
    rerunOf: z.string().nullable().meta({ description: 'The execution that it runs again.' }),
    workflowId: z.string(),
    runId: z.string().nullable(),
    runsAt: z.string().nullable().meta({ description: 'When a delayed handler runs; null without a delay.' }),
    queuedAt: z.string(),
    startedAt: z.string().nullable(),
    finishedAt: z.string().nullable(),
    /** Waiting for a worker, over all attempts, milliseconds. */
    queueMs: z.number().nullable(),
    /** Running the handler's code, over all attempts, milliseconds. */
    runMs: z.number().nullable(),
  })
  .meta({ id: 'Execution' });
export type Execution = z.infer<typeof Execution>;

export const Attempt = z
  .object({
    attempt: z.number().int(),
    outcome: z.enum(attemptOutcomes),
    reason: FailureReason.nullable(),
    error: HandlerError.nullable(),
    queuedAt: z.string(),
    startedAt: z.string(),
    finishedAt: z.string().nullable(),
    queueMs: z.number(),
    runMs: z.number().nullable(),
    worker: z.string(),
    stdout: z.string(),
    stderr: z.string(),
  })
  .meta({ id: 'Attempt' });
export type Attempt = z.infer<typeof Attempt>;

export const Call = z
  .object({
    id: z.string(),
    name: z.string(),
    n: z.number().int().meta({ description: 'The n-th call of this name in the execution, from 1.' }),
    try: z.number().int(),
    effect: z.enum(['read', 'write', 'external']),
    state: z.enum(['intent', 'succeeded', 'refused', 'transient']),
    args: JsonValue,
    answer: JsonValue.nullable(),
    error: z.object({ code: z.string(), message: z.string() }).nullable(),
    attempt: z.number().int().meta({ description: 'The attempt that made the call.' }),
    lastAttempt: z.number().int().meta({ description: 'The last attempt that reached it, replayed or made.' }),
    replayedFrom: z.string().nullable().meta({
      description: 'Of a re-run: the execution that made the call, in its `attempt`; its answer was used again here.',
    }),
    /** Not reached again by the newest attempt. */
    unreached: z.boolean(),
    /** The arguments of a later attempt that differed while the recorded answer was used; null where none did. */
    drift: JsonValue.nullable(),
    requestedAt: z.string(),
    answeredAt: z.string().nullable(),
    durationMs: z.number().nullable(),
  })
  .meta({ id: 'Call' });
export type Call = z.infer<typeof Call>;

export const RelatedExecution = z
  .object({
    id: z.string(),
    status: ExecutionStatus,
    handlerVersion: z.number().int().nullable(),
    rerunOf: z.string().nullable(),
    sharesRecord: z.boolean().meta({ description: 'False: a fresh re-run, or what a fresh one runs again.' }),
    queuedAt: z.string(),
  })
  .meta({ id: 'RelatedExecution' });
export type RelatedExecution = z.infer<typeof RelatedExecution>;

/** Logs are those of the newest attempt; each attempt has its own. */
export const ExecutionDetail = Execution.extend({
  stdout: z.string(),
  stderr: z.string(),
  predecessors: z.array(RelatedExecution).meta({ description: 'What it runs again or answers from, oldest first.' }),
  successors: z.array(RelatedExecution).meta({ description: 'What runs it again, oldest first.' }),
  attemptLog: z.array(Attempt),
  calls: z.array(Call),
  analyticsEvents: z.array(AnalyticsEvent),
}).meta({ id: 'ExecutionDetail' });
export type ExecutionDetail = z.infer<typeof ExecutionDetail>;
