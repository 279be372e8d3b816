import { readToolchain } from '../src/config/toolchain.ts';
import { createSandbox, type HandlerSandbox } from '../src/sandbox/create-sandbox.ts';
import { handlerLimits } from '../src/sandbox/handler-limits.ts';
import type { SandboxHost, SandboxLimits, SandboxProgram, SandboxResult } from '../src/sandbox/sandbox.ts';

export const pythonPath = readToolchain().python ?? 'python3';

export async function withSandbox<Result>(work: (sandbox: HandlerSandbox) => Promise<Result>): Promise<Result> {
  const sandbox = await createSandbox({ pythonPath });
  try {
    return await work(sandbox);
  } finally {
    await sandbox.close();
  }
}

const stub: SandboxHost = {
  call: () => Promise.resolve({ ok: true, value: true }),
  request: () => Promise.reject(new Error('it sends nothing')),
  log: () => undefined,
};

const helpers = [
  {
    name: 'add_conversation_tag',
    pythonParams: 'context, tag',
    typescript: { params: 'tag: string', returns: 'boolean' },
    summary: 'A stub.',
  },
];

/** Runs a handler in the cage alone: no store, no Temporal. Calls are answered at once unless `host` says otherwise. */
export function runCaged(
  sandbox: HandlerSandbox,
  program: Pick<SandboxProgram, 'language' | 'code'>,
  { host = {}, limits = {} }: { host?: Partial<SandboxHost>; limits?: Partial<SandboxLimits> } = {},
): Promise<SandboxResult> {
  return sandbox.run(
    {
      ...program,
      contextJson: '{"conversation":{"messages":[]}}',
      helpers,
      callsInFlight: 1,
      tool: {
        name: null,
        context: { credentials: {}, parameters: {}, globals: {}, contact: {}, project: {}, constants: {} },
        whole: false,
      },
      randomSeed: '',
      limits: { ...handlerLimits, ...limits },
    },
    { ...stub, ...host },
  );
}

/** Throws unless it succeeds. */
export async function runWell(
  sandbox: HandlerSandbox,
  program: Pick<SandboxProgram, 'language' | 'code'>,
): Promise<void> {
  const { outcome } = await runCaged(sandbox, program);
  if (outcome !== 'succeeded') throw new Error(`an execution ended as ${outcome}`);
}
