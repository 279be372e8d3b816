import type { z } from 'zod';
import type { JsonObject, JsonValue } from '../contract/json.ts';
import type { ErrorCode } from '../domain/errors.ts';
import type { CallEffect } from '../domain/recorded-calls.ts';
import type { HelperServices } from './services.ts';

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

/** For helpers that work on the store, in one transaction with the record of their answer. */
export interface HelperContext {
  readonly executionId: string;
  /** The same however often the activity is tried. */
  readonly callId: string;
  readonly conversation: ConversationWriter;
}

/** For helpers that ask somebody else: no transaction and no lock is held while they work. */
export interface OutsideContext {
  /** The same for every try of this call, in later attempts of the handler and in re-runs too: names the effect outside. */
  readonly effectKey: string;
  /** False where an earlier try may have had its effect although nobody heard of it. */
  readonly firstTry: boolean;
  /** A test run: nothing is written outside; what reads, reads for real. */
  readonly testRun: boolean;
  /** Of this try, milliseconds. */
  readonly timeoutMs: number;
  /** Aborted when the activity is cancelled or its worker stops. */
  readonly signal: AbortSignal;
  readonly services: HelperServices;
}

/** An answer, and what is tidied up once it is recorded; where that fails nothing is lost. */
export interface OutsideAnswer {
  readonly answer: JsonValue;
  readonly afterRecord?: () => Promise<void>;
}

export interface TypeScriptSignature {
  /** E.g. `prompt: string, input: unknown, fallback?: boolean | null`; names of types are those of `afterword types`. */
  readonly params: string;
  /** What the promise resolves to, e.g. `boolean`. */
  readonly returns: string;
}

export interface HelperDefinition {
  readonly name: string;
  /** One sentence for `list_predefined_functions()`, the editor and the docs. */
  readonly summary: string;
  /** Parameters as Python writes them, e.g. `context, tag`. */
  readonly pythonParams: string;
  /** The same in TypeScript, without the context and in camel case. */
  readonly typescript: TypeScriptSignature;
  /** `read` touches nothing; `write` the store; `external` the world. Decides what a retry makes anew. */
  readonly effect: CallEffect;
  /** What it does in a test run, where its effect does not say it: one sentence. */
  readonly inTestRun?: string;
  readonly docs: HelperDocs;
}

/** The helper's part of docs/helpers.md, in Markdown. */
export interface HelperDocs {
  /** What each parameter but the context takes, limits included. */
  readonly params: Readonly<Record<string, string>>;
  readonly returns: string;
  /** When which error is raised, besides those that every helper can raise. */
  readonly errors: Readonly<Partial<Record<ErrorCode, string>>>;
  /** Paragraphs below the tables. */
  readonly notes?: readonly string[];
}

interface Activity extends HelperDefinition {
  readonly answeredIn: 'activity';
  /** Short text for Temporal's Web UI: it must not hold a message, a value or a person's data. */
  show(args: JsonObject): string;
}

/** Works on the store: its effect stands exactly when its answer is recorded. */
export interface StoreHelper extends Activity {
  readonly works: 'in the store';
  /** Validates and works. Throws AfterwordError for a final no, anything else to be tried again. */
  call(args: JsonObject, context: HelperContext): Promise<JsonValue>;
}

/** Works outside of the store, its answer is recorded afterwards. */
export interface OutsideHelper extends Activity {
  readonly works: 'outside';
  /** Validates and works. Throws AfterwordError, retryable where another try may help. */
  call(args: JsonObject, context: OutsideContext): Promise<OutsideAnswer>;
  /** The answer that the handler gave for the case that the work cannot be done; undefined: none, it raises. */
  fallback(args: JsonObject): JsonValue | undefined;
}

/** A helper whose work is a durable activity of its own. */
export type ActivityHelper = StoreHelper | OutsideHelper;

/** A helper that touches nothing outside and is answered where the handler runs. */
export interface CageHelper extends HelperDefinition {
  readonly answeredIn: 'cage';
}

export type Helper = ActivityHelper | CageHelper;

export interface HelperSpec<Input extends z.ZodType, Context, Output> extends HelperDefinition {
  /** The arguments by name; strict, so that an unknown one is refused. */
  readonly input: Input;
  /** Short and safe to show; the name alone where left out. */
  readonly show?: (args: z.output<Input>) => string;
  readonly run: (args: z.output<Input>, context: Context) => Promise<Output>;
}

export interface OutsideHelperSpec<Input extends z.ZodType> extends HelperSpec<Input, OutsideContext, OutsideAnswer> {
  readonly fallback?: (args: z.output<Input>) => JsonValue | undefined;
}
