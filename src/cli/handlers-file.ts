import { LineCounter, parseDocument } from 'yaml';
import type { Document } from 'yaml';
import { z } from 'zod';
import { EventType } from '../contract/conversation-event.ts';
import { EgressRules } from '../contract/egress.ts';
import { HandlerName, HandlerSettings } from '../contract/handler.ts';
import { HandlerLimits } from '../contract/handler-limits.ts';
import { cancelOnFault, isFreeOfRepeats } from '../domain/cancel-on.ts';
import { eventTypeNames } from '../domain/event-types.ts';
import { limits } from '../domain/limits.ts';
import type { FieldError } from '../domain/errors.ts';
import { lineOf } from './source-position.ts';
import type { PathKey } from './source-position.ts';

export const handlersFileName = 'handlers.yaml';

const EventTypeName = z.enum(EventType.options, { error: `expected one of ${eventTypeNames.join(', ')}` });

const FolderHandler = z.strictObject({
  name: HandlerName,
  event: EventTypeName,
  /** Relative to the folder. */
  file: z.string().min(1),
  enabled: z.boolean('expected true or false').optional(),
  attempts: z
    .int(`expected a whole number from 1 to ${limits.maxAttempts}`)
    .min(1, `at least 1`)
    .max(limits.maxAttempts, `at most ${limits.maxAttempts}`)
    .optional(),
  delaySeconds: z
    .int(`expected a whole number of seconds from 0 to ${limits.maxDelaySeconds} (7 days)`)
    .min(0, 'at least 0')
    .max(limits.maxDelaySeconds, `at most ${limits.maxDelaySeconds} (7 days)`)
    .optional(),
  cancelOn: z
    .array(EventTypeName, `expected a list of types: ${eventTypeNames.join(', ')}`)
    .refine(isFreeOfRepeats, 'names a type twice')
    .optional(),
  tool: HandlerSettings.shape.tool,
  globals: HandlerSettings.shape.globals,
  constants: HandlerSettings.shape.constants,
  secrets: HandlerSettings.shape.secrets,
  egress: HandlerSettings.shape.egress,
  limits: HandlerSettings.shape.limits,
});
export type FolderHandler = z.infer<typeof FolderHandler>;

const HandlersFile = z.strictObject({
  handlers: z.array(FolderHandler, 'expected a list of handlers').nullable(),
});

export interface ParsedHandlersFile {
  /** Keeps comments and order when it is changed and written again. */
  readonly document: Document;
  readonly handlers: readonly FolderHandler[];
  /** A fault at a place of the file, its line named. */
  fault(path: readonly PathKey[], message: string): FieldError;
}

/** The file's handlers, or everything that is wrong with it. */
export function parseHandlersFile(text: string): ParsedHandlersFile | { readonly faults: readonly FieldError[] } {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const fault = (path: readonly PathKey[], message: string): FieldError => {
    const line = lineOf(document, lines, path);
    return { field: `${handlersFileName}${line === undefined ? '' : `, line ${line}`}`, message };
  };
  if (document.errors.length > 0) {
    return {
      faults: document.errors.map(({ message, pos }) => {
        const { line, col } = lines.linePos(pos[0]);
        return { field: `${handlersFileName}, line ${line}, column ${col}`, message: `this is not YAML: ${message}` };
      }),
    };
  }
  const parsed = HandlersFile.safeParse(document.toJS());
  if (!parsed.success) return { faults: parsed.error.issues.map((issue) => fault(...explained(issue))) };
  const handlers = parsed.data.handlers ?? [];
  const faults = handlers.flatMap(({ name, event, cancelOn }, index) => {
    const first = handlers.findIndex((other) => other.name === name);
    const ownType = cancelOnFault(event, cancelOn);
    return [
      ...(first === index ? [] : [fault(['handlers', index, 'name'], `the name "${name}" is used twice`)]),
      ...(ownType === undefined ? [] : [fault(['handlers', index, 'cancelOn'], `cancelOn: ${ownType}`)]),
    ];
  });
  return faults.length > 0 ? { faults } : { document, handlers, fault };
}

const keysOf = (shape: object) => Object.keys(shape).join(', ');
/** By the key that they stand below. */
const knownKeys: ReadonlyMap<PathKey | undefined, string> = new Map([
  [undefined, 'handlers'],
  ['egress', keysOf(EgressRules.shape)],
  ['limits', keysOf(HandlerLimits.shape)],
]);

function explained(issue: z.core.$ZodIssue): [PathKey[], string] {
  const path = issue.path.filter((key) => typeof key !== 'symbol');
  if (issue.code === 'unrecognized_keys') {
    const [key = ''] = issue.keys;
    const known = knownKeys.get(path.at(-1)) ?? keysOf(FolderHandler.shape);
    return [[...path, key], `unknown key "${issue.keys.join('", "')}"; known: ${known}`];
  }
  if (path.length === 0) return [[], 'expected a list under the key "handlers"'];
  const key = String(path.at(-1));
  const missing = issue.code === 'invalid_type' && issue.message.endsWith('received undefined');
  return [
    path,
    missing ? `"${key}" is missing` : `${typeof path.at(-1) === 'number' ? '' : `${key}: `}${issue.message}`,
  ];
}
