import type { JsonObject, JsonValue } from '../contract/json.ts';
import type { ToolNamespaces } from '../contract/tool-context.ts';

/**
 * The one interface through which users' code is run, whatever its language.
 *
 * The user's failure is a value of `SandboxResult`; `run` rejects only when the platform itself failed
 * (`SandboxError`): the cage could not be made, the fork server died, a message broke the protocol on our side.
 */

export type LogStream = 'stdout' | 'stderr';

/** A predefined function as the cage shows it to the handler. */
export interface SandboxHelper {
  readonly name: string;
  /** Parameters as written in Python, e.g. `context, tag` or `prompt, input, fallback=None`. */
  readonly pythonParams: string;
  readonly typescript: TypeScriptSignature;
  readonly summary: string;
}

/** Of the same function in TypeScript, without the context and with names in camel case. */
export interface TypeScriptSignature {
  /** E.g. `prompt: string, input: unknown, fallback?: boolean | null`. */
  readonly params: string;
  /** What the promise resolves to, e.g. `boolean`. */
  readonly returns: string;
}

export interface SandboxProgram {
  readonly language: 'python' | 'typescript';
  /** Source text of the handler, at most 256 KB in all. */
  readonly code: string;
  /** The `context` argument of `handle_event`, as JSON text. */
  readonly contextJson: string;
  readonly helpers: readonly SandboxHelper[];
  /** How many helper calls may be under way at once; those of Python come one after the other. */
  readonly callsInFlight: number;
  /** The same for HTTP requests; left out: as many as any handler may have. */
  readonly requestsInFlight?: number | undefined;
  /** For a handler that is a tool of the Weni toolkit. */
  readonly tool: SandboxTool;
  /** Seeds `random`, so that a retry takes the same path. */
  readonly randomSeed: string;
  readonly limits: SandboxLimits;
}

export interface SandboxTool {
  /** The class to run; null: the file's only one. */
  readonly name: string | null;
  /** The tool's `Context`. `parameters.message` is set in the cage where the run has a conversation. */
  readonly context: ToolNamespaces;
  /**
   * The tool is what is run, whether the file has `handle_event` or not, and the result is `{result, format}` as the
   * toolkit answers them. Else a tool is run only where there is no `handle_event` or one is named, and the result is
   * the data of its response.
   */
  readonly whole: boolean;
}

export interface SandboxLimits {
  readonly wallMs: number;
  /** What had passed of `wallMs` before the run. */
  readonly spentMs?: number;
  readonly cpuSeconds: number;
  readonly memoryBytes: number;
  /** stdout and stderr together, everything the handler printed; one byte more ends it. */
  readonly outputBytes: number;
  readonly resultBytes: number;
  /** Arguments of one helper call. */
  readonly callBytes: number;
  /** Body of one HTTP request; its URL and headers together. */
  readonly requestBytes: number;
  readonly requestHeadBytes: number;
  /** Analytics events of one run. */
  readonly events: number;
  /** All of them, as a JSON list. */
  readonly eventBytes: number;
}

/** An analytics event as the handler registered it; nothing of it has been validated. */
export interface RegisteredEvent {
  readonly event: JsonObject;
  /** Why it is not what the handler meant: it held what JSON cannot hold. Null where it is whole. */
  readonly fault: string | null;
}

/** One helper call as the handler made it, arguments by name, without `context`. */
export interface SandboxCall {
  readonly name: string;
  readonly args: { readonly [name: string]: JsonValue };
}

/** One HTTP request as the handler made it. */
export interface SandboxRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Buffer;
  /** To the connection and for each silence after it; undefined where the handler gave none. */
  readonly connectMs: number | undefined;
  readonly readMs: number | undefined;
  /** Takes any certificate. */
  readonly insecure: boolean;
}

export type RequestReply =
  | {
      readonly ok: true;
      readonly response: {
        readonly status: number;
        readonly reason: string;
        readonly headers: readonly (readonly [name: string, value: string])[];
        readonly body: Buffer;
      };
    }
  /** Raised in the handler as the exception of `requests` that stands for the code. */
  | { readonly ok: false; readonly error: { readonly code: string; readonly message: string } };

export type CallReply =
  | { readonly ok: true; readonly value: JsonValue }
  /** Raised in the handler as `HelperError` with `.code`. */
  | { readonly ok: false; readonly error: { readonly code: string; readonly message: string } };

export interface SandboxHost {
  /** Answers one helper call. Rejecting kills the run and rejects `run` with the same error. */
  call(call: SandboxCall): Promise<CallReply>;
  /** Answers one HTTP request; rejecting is as with `call`. */
  request(request: SandboxRequest): Promise<RequestReply>;
  /** Output as it arrives, in order; text is valid Unicode without NUL. */
  log(stream: LogStream, text: string): void;
}

export type FailureReason =
  | 'raised'
  | 'syntax_error'
  | 'no_entry_point'
  | 'not_json'
  | 'exited'
  | 'out_of_memory'
  | 'limit_exceeded'
  | 'crashed'
  | 'refused';

/** What the author of the handler sees of a failure. */
export interface HandlerFailure {
  /** The exception's class name (`ValueError`), or a word of ours such as `Timeout`. */
  readonly type: string;
  readonly message: string;
  /** The user's own frames only, as Python prints them; empty where there are none. */
  readonly traceback: string;
}

export type SandboxResult = (
  | { readonly outcome: 'succeeded'; readonly result: JsonValue; readonly events: readonly RegisteredEvent[] }
  | {
      readonly outcome: 'failed';
      readonly reason: FailureReason;
      readonly error: HandlerFailure;
      /** Registered before it failed; a killed handler leaves none. */
      readonly events: readonly RegisteredEvent[];
    }
  | { readonly outcome: 'timed_out'; readonly error: HandlerFailure }
  /** The caller's signal was aborted; the process is gone. */
  | { readonly outcome: 'aborted' }
) & {
  /** From the first line of the handler to its end, milliseconds. */
  readonly runMs: number;
};

export interface Sandbox {
  run(program: SandboxProgram, host: SandboxHost, signal?: AbortSignal): Promise<SandboxResult>;
  /** Ends every running handler and the fork server; resolves when the processes are gone. */
  close(): Promise<void>;
}

/** The platform failed, not the handler: retried by Temporal, never counted as an attempt of the user's. */
export class SandboxError extends Error {
  override readonly name = 'SandboxError';
}
