import { z } from 'zod';
import { limits } from '../domain/limits.ts';
import { ContextObject } from './conversation.ts';
import { HandlerError, ExecutionStatus, FailureReason } from './execution.ts';
import { JsonObject, JsonValue, NullableJsonObject } from './json.ts';

const NamedParameter = z.strictObject({ name: z.string().min(1).max(limits.idCharacters), value: JsonValue });

/** What a tool is called with; the namespaces of its `Context`. */
export const ToolInvocationInput = z
  .strictObject({
    parameters: z
      .union([z.array(NamedParameter).max(limits.toolParameters), ContextObject])
      .default({})
      .meta({ description: 'An object, or a list of `{name, value}`, of which the last of a name counts.' }),
    contact: ContextObject.default({}),
    project: ContextObject.default({}),
    credentials: ContextObject.default({}).meta({
      description:
        'Over the secrets of the handler’s settings. Kept, sealed, only until the invocation has ended; masked in what it shows.',
    }),
    globals: ContextObject.optional().meta({ description: 'Over those of the handler’s settings.' }),
    constants: ContextObject.optional().meta({ description: 'Over those of the handler’s settings.' }),
    waitSeconds: z
      .number()
      .min(0)
      .max(limits.testRunWaitSeconds)
      .default(limits.defaultTestRunWaitSeconds)
      .meta({ description: 'How long the answer may take; then it is 202 and the invocation goes on.' }),
  })
  .meta({ id: 'ToolInvocationInput' });
export type ToolInvocationInput = z.infer<typeof ToolInvocationInput>;

/** What the toolkit answers: `result` with the response's data in `result.result`, `format` and the events. */
export const ToolInvocation = z
  .object({
    executionId: z.string(),
    status: ExecutionStatus,
    reason: FailureReason.nullable(),
    error: HandlerError.nullable(),
    result: NullableJsonObject,
    format: NullableJsonObject,
    events: z.array(JsonObject).meta({ description: 'Of the attempt that succeeded, as the tool registered them.' }),
  })
  .meta({ id: 'ToolInvocation' });
export type ToolInvocation = z.infer<typeof ToolInvocation>;
