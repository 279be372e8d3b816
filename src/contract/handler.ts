import { z } from 'zod';
import { isFreeOfRepeats } from '../domain/cancel-on.ts';
import { limits } from '../domain/limits.ts';
import { ContextObject } from './conversation.ts';
import { EventType } from './conversation-event.ts';
import { EgressRules } from './egress.ts';
import { HandlerLanguage } from './handler-language.ts';
import { HandlerLimits } from './handler-limits.ts';
import { SecretName } from './secret.ts';

export const HandlerName = z
  .string()
  .min(1)
  .max(limits.handlerNameCharacters)
  .regex(/^[a-z0-9][a-z0-9._-]*$/, 'lower-case letters, digits, ".", "_" and "-", beginning with a letter or digit')
  .meta({ id: 'HandlerName' });

export const HandlerSettings = z
  .strictObject({
    /** How often the handler's own failures are tried, the first time included. */
    attempts: z.number().int().min(1).max(limits.maxAttempts).default(limits.defaultAttempts),
    /** Seconds from the receipt of the event to the run; left out: none. */
    delaySeconds: z.number().int().min(0).max(limits.maxDelaySeconds).optional(),
    /** A later event of the conversation of one of these types cancels the handler where it has not begun. */
    cancelOn: z.array(EventType).refine(isFreeOfRepeats, 'names a type twice').meta({ uniqueItems: true }).optional(),
    /** The `Tool` class to run, where the file has more than one. */
    tool: z
      .string()
      .max(limits.handlerNameCharacters)
      .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'the name of a Python class')
      .optional(),
    /** What a tool finds in `context.globals` and `context.constants`. */
    globals: ContextObject.optional(),
    constants: ContextObject.optional(),
    /** Names of the organisation's secrets that it is given; a missing one fails its executions. */
    secrets: z
      .array(SecretName)
      .max(limits.secretsPerHandler)
      .refine(isFreeOfRepeats, 'names a secret twice')
      .meta({ uniqueItems: true })
      .optional(),
    /** Where its requests may go, of what the organisation allows. */
    egress: EgressRules.optional(),
    limits: HandlerLimits.optional(),
  })
  .meta({ id: 'HandlerSettings' });
export type HandlerSettings = z.infer<typeof HandlerSettings>;

/** What `handlers push` sends for one handler: a new version when code or settings changed, else nothing changes. */
export const HandlerPush = z
  .strictObject({
    name: HandlerName,
    eventType: EventType,
    language: HandlerLanguage.default('python'),
    code: z.string().min(1),
    settings: HandlerSettings.prefault({}),
    /** Left out: unchanged; a new handler is on. */
    enabled: z.boolean().optional(),
    note: z.string().max(1_000).optional(),
  })
  .meta({ id: 'HandlerPush' });
export type HandlerPush = z.infer<typeof HandlerPush>;

export const Handler = z
  .object({
    id: z.string(),
    name: z.string(),
    eventType: z.string(),
    language: HandlerLanguage,
    enabled: z.boolean(),
    version: z.number().int().meta({ description: 'The version that new events run.' }),
    createdAt: z.string(),
    updatedAt: z.string(),
  })
  .meta({ id: 'Handler' });
export type Handler = z.infer<typeof Handler>;

export const HandlerVersion = z
  .object({
    id: z.string(),
    version: z.number().int(),
    language: HandlerLanguage,
    code: z.string(),
    settings: HandlerSettings,
    note: z.string().nullable(),
    createdAt: z.string(),
    current: z.boolean(),
  })
  .meta({ id: 'HandlerVersion' });
export type HandlerVersion = z.infer<typeof HandlerVersion>;

export const HandlerWithCode = Handler.extend({ code: z.string(), settings: HandlerSettings }).meta({
  id: 'HandlerWithCode',
});
export type HandlerWithCode = z.infer<typeof HandlerWithCode>;

/** What was found in a handler's code without running it. With an error it cannot work; with a warning it may. */
export const CodeFinding = z
  .object({
    severity: z.enum(['error', 'warning']),
    /** From 1; null where it is about the file as a whole. */
    line: z.number().int().nullable(),
    column: z.number().int().nullable(),
    message: z.string(),
  })
  .meta({ id: 'CodeFinding' });
export type CodeFinding = z.infer<typeof CodeFinding>;

export const CodeToCheck = z
  .strictObject({
    code: z.string(),
    language: HandlerLanguage.default('python'),
    tool: HandlerSettings.shape.tool.meta({ description: 'As in the settings of the handler.' }),
  })
  .meta({ id: 'CodeToCheck' });

export const CheckedCode = z
  .object({
    outcome: z.enum(['checked', 'skipped']),
    findings: z.array(CodeFinding),
    reason: z.string().nullable().meta({ description: 'Why the check was skipped; null where it was made.' }),
  })
  .meta({ id: 'CheckedCode' });
export type CheckedCode = z.infer<typeof CheckedCode>;

/** `changed` says whether the push made a new version. */
export const PushedHandler = Handler.extend({ changed: z.boolean(), created: z.boolean() });
export type PushedHandler = z.infer<typeof PushedHandler>;

/** What a push answers; its findings are warnings. */
export const PushedAndChecked = PushedHandler.extend({ check: CheckedCode }).meta({ id: 'PushedHandler' });
