/** The little of Deno's globals that the runner uses, and what crosses the connection. */
declare global {
  namespace Deno {
    const stdin: { read(into: Uint8Array): Promise<number | null> };
    const stdout: { writeSync(bytes: Uint8Array): number; write(bytes: Uint8Array): Promise<number> };
    function exit(code: number): never;
    const internal: unique symbol;
  }
  function addEventListener(
    type: 'unhandledrejection' | 'error',
    listener: (event: {
      preventDefault(): void;
      stopImmediatePropagation(): void;
      readonly reason?: unknown;
      readonly error?: unknown;
    }) => void,
  ): void;
}

export type ConsoleConstructor = new (print: (text: string, level: number) => void) => object;

export interface HelperDescription {
  /** As TypeScript calls it, and as the host does. */
  readonly name: string;
  readonly hostName: string;
  readonly params: readonly { readonly name: string; readonly hostName: string; readonly optional: boolean }[];
  readonly signature: string;
  readonly summary: string;
}

export interface ExecMessage {
  readonly t: 'exec';
  /** Text of a function that defines the handler and answers what it exports. */
  readonly code: string;
  /** Lines of `code` before the handler's first. */
  readonly linesBefore: number;
  readonly contextBytes: number;
  readonly helpers: readonly HelperDescription[];
  readonly randomSeed: string;
  readonly callsInFlight: number;
  readonly requestsInFlight: number;
  readonly resultBytes: number;
  readonly callBytes: number;
  readonly requestBytes: number;
  readonly events: number;
  readonly eventBytes: number;
}

export interface HostError {
  readonly code: string;
  readonly message: string;
}

export interface HostReply {
  readonly t: 'ret';
  readonly id: number;
  readonly v?: unknown;
  readonly err?: HostError;
}

export interface HostResponse {
  readonly status: number;
  readonly reason: string;
  readonly headers: [string, string][];
  readonly body: string;
}

export interface CallSite {
  getScriptNameOrSourceURL(): string | null;
  getLineNumber(): number | null;
  getColumnNumber(): number | null;
  getFunctionName(): string | null;
  getTypeName(): string | null;
  isAsync(): boolean;
  isConstructor(): boolean;
}
