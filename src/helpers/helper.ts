import type { z } from 'zod';
import type { JsonObject, JsonValue } from '../contract/json.ts';
import type { CallEffect } from '../domain/recorded-calls.ts';

/** What a helper may do to the execution's own conversation; everything in the transaction of the call's record. */
export interface ConversationWriter {
  addTag(name: string): Promise<{ tagId: string; added: boolean }>;
  getMetadata(key: string): Promise<string | null>;
  /** False where the conversation already holds as many other keys as it may. */
  setMetadata(key: string, value: string): Promise<boolean>;
  /** False where there was no such key. */
  deleteMetadata(key: string): Promise<boolean>;
  addTimelineEvent(event: NewTimelineEvent): Promise<void>;
}

export interface NewTimelineEvent {
  readonly id: string;
  readonly timestamp: Date;
  readonly sessionId: string | null;
  readonly source: string | null;
  readonly sourceId: string | null;
  readonly category: string | null;
  readonly type: string | null;
  readonly userId: string | null;
  readonly description: string | null;
  readonly attributes: JsonObject | null;
}

export interface HelperContext {
  readonly executionId: string;
  /** The same for every try of this call: the idempotency key in the outside world. */
  readonly callId: string;
  readonly conversation: ConversationWriter;
}

export interface HelperDefinition {
  readonly name: string;
  /** One sentence for `list_predefined_functions()`, the editor and the docs. */
  readonly summary: string;
  /** Parameters as Python writes them, e.g. `context, tag`. */
  readonly pythonParams: string;
  /** `read` touches nothing; `write` the store; `external` the world. Decides what a retry makes anew. */
  readonly effect: CallEffect;
}

/** A helper whose work is a durable activity of its own. */
export interface ActivityHelper extends HelperDefinition {
  readonly answeredIn: 'activity';
  /** Short text for Temporal's Web UI: it must not hold a message, a value or a person's data. */
  show(args: JsonObject): string;
  /** Validates, works, validates the answer. Throws AfterwordError for a final no, anything else to be tried again. */
  call(args: JsonObject, context: HelperContext): Promise<JsonValue>;
}

/** A helper that touches nothing outside and is answered where the handler runs. */
export interface CageHelper extends HelperDefinition {
  readonly answeredIn: 'cage';
}

export type Helper = ActivityHelper | CageHelper;

export interface HelperSpec<Input extends z.ZodType, Output extends JsonValue> extends HelperDefinition {
  /** The arguments by name; strict, so that an unknown one is refused. */
  readonly input: Input;
  /** Short and safe to show; the name alone where left out. */
  readonly show?: (args: z.output<Input>) => string;
  readonly run: (args: z.output<Input>, context: HelperContext) => Promise<Output>;
}
