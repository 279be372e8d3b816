import { logCage } from '../../observability/worker-log.ts';
import { createSandbox } from '../../sandbox/create-sandbox.ts';
import type { HandlerSandbox } from '../../sandbox/create-sandbox.ts';
import type { PartOptions } from './part-options.ts';

export interface SandboxPart {
  readonly sandbox: HandlerSandbox;
  /** Why Python handlers are refused and how to mend it; null where they run. */
  readonly refusal: string | null;
}

export async function createSandboxPart({ config, screen, log, closing }: PartOptions): Promise<SandboxPart> {
  const sandbox = await createSandbox({
    pythonPath: config.python ?? 'python3',
    denoPath: config.deno,
    unsandboxed: config.unsafeUncaged,
    log: (message) => {
      logCage(log, message);
    },
  });
  closing.add('sandbox', () => sandbox.close());
  const { deno } = sandbox;
  const { level, detail, mend, executable } = sandbox.capability;
  if (level === 'full') {
    screen.step(`Cage for handlers: ${detail}${deno.executable === null ? '' : `, ${deno.detail}`}`);
    if (deno.executable === null) screen.warn(`TypeScript handlers are refused: ${deno.detail}.\n${deno.mend}`);
    return { sandbox, refusal: null };
  }
  if (config.unsafeUncaged && executable !== '') {
    screen.warn(`Python handlers run without the whole cage (AFTERWORD_UNSAFE_UNCAGED_PYTHON): ${detail}.`);
    return { sandbox, refusal: null };
  }
  const refusal = `Python handlers are refused: ${detail}.\n${mend}`;
  screen.warn(`${refusal}\nEverything else works; executions of Python handlers end as failed (refused).`);
  return { sandbox, refusal };
}
