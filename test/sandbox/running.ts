import { createSandbox, type HandlerSandbox } from '../../src/sandbox/create-sandbox.ts';
import type {
  CallReply,
  LogStream,
  SandboxCall,
  SandboxHelper,
  SandboxLimits,
  SandboxRequest,
  RequestReply,
  SandboxResult,
  SandboxTool,
} from '../../src/sandbox/sandbox.ts';

export const limits: SandboxLimits = {
  wallMs: 10_000,
  cpuSeconds: 10,
  memoryBytes: 256 << 20,
  outputBytes: 64 << 10,
  resultBytes: 64 << 10,
  callBytes: 256 << 10,
  events: 10,
  requestBytes: 1 << 20,
  requestHeadBytes: 64 << 10,
  eventBytes: 4_000,
};

const tool: SandboxTool = {
  name: null,
  context: {
    credentials: { key: 'secret' },
    parameters: { event_type: 'conversation_closed', message: '' },
    globals: { currency: 'EUR' },
    contact: { urn: 'whatsapp:1' },
    project: { name: 'Example Shop', slug: 'example-shop' },
    constants: { tone: 'formal' },
  },
  whole: false,
};

const helpers: readonly SandboxHelper[] = [
  {
    name: 'add_conversation_tag',
    pythonParams: 'context, tag',
    typescript: { params: 'tag: string', returns: '{ success: boolean }' },
    summary: 'Adds a tag to the conversation.',
  },
  {
    name: 'llm_classify_binary',
    pythonParams: 'prompt, input, fallback=None',
    typescript: { params: 'prompt: string, input: unknown, fallback?: boolean | null', returns: 'boolean' },
    summary: 'Yes or no.',
  },
  {
    name: 'register_event',
    pythonParams: 'event',
    typescript: { params: 'event: Record<string, unknown>', returns: 'void' },
    summary: 'Registers an analytics event.',
  },
  {
    name: 'list_predefined_functions',
    pythonParams: '',
    typescript: { params: '', returns: 'object[]' },
    summary: 'Lists the helpers.',
  },
];

export interface HandlerOptions {
  readonly language?: 'python' | 'typescript';
  readonly callsInFlight?: number;
  readonly requestsInFlight?: number;
  readonly context?: unknown;
  readonly limits?: Partial<SandboxLimits>;
  readonly tool?: Partial<SandboxTool>;
  readonly randomSeed?: string;
  readonly signal?: AbortSignal;
  readonly answer?: (call: SandboxCall) => CallReply | Promise<CallReply>;
  readonly respond?: (request: SandboxRequest) => RequestReply | Promise<RequestReply>;
  readonly onLog?: (stream: LogStream, text: string) => void;
}

export interface HandlerOutcome {
  readonly result: SandboxResult;
  readonly stdout: string;
  readonly stderr: string;
  readonly calls: readonly SandboxCall[];
  readonly requests: readonly SandboxRequest[];
  /** Output and calls in the order they came. */
  readonly order: readonly string[];
}

export const openSandbox = (log?: (message: string) => void, denoPath: string | null = null): Promise<HandlerSandbox> =>
  createSandbox({
    pythonPath: process.env.AFTERWORD_PYTHON ?? 'python3',
    denoPath,
    usualLimits: limits,
    ...(log ? { log } : {}),
  });

export async function runHandler(
  sandbox: HandlerSandbox,
  code: string,
  options: HandlerOptions = {},
): Promise<HandlerOutcome> {
  const output = { stdout: '', stderr: '' };
  const calls: SandboxCall[] = [];
  const requests: SandboxRequest[] = [];
  const order: string[] = [];
  const result = await sandbox.run(
    {
      language: options.language ?? 'python',
      code,
      callsInFlight: options.callsInFlight ?? 1,
      requestsInFlight: options.requestsInFlight,
      contextJson: JSON.stringify(options.context ?? {}),
      helpers,
      tool: { ...tool, ...options.tool },
      randomSeed: options.randomSeed ?? 'seed',
      limits: { ...limits, ...options.limits },
    },
    {
      call: async (call) => {
        calls.push(call);
        order.push(call.name);
        return (await options.answer?.(call)) ?? { ok: true, value: { success: true } };
      },
      request: async (request) => {
        requests.push(request);
        const unanswered = { ok: false, error: { code: 'http_connection_failed', message: 'nobody answers' } } as const;
        return (await options.respond?.(request)) ?? unanswered;
      },
      log: (stream, text) => {
        output[stream] += text;
        order.push(text);
        options.onLog?.(stream, text);
      },
    },
    options.signal,
  );
  return { result, ...output, calls, requests, order };
}

/** Waits on a condition, at most `ms`; the error names it. */
export async function until(what: string, condition: () => boolean, ms = 5_000): Promise<void> {
  const deadline = Date.now() + ms;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`waited in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
