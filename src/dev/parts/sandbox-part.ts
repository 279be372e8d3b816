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
  const { level, python, detail, mend } = sandbox.cage;
  if (!python) {
    const refusal = `Python handlers are refused: ${detail}.\n${mend}`;
    screen.warn(`${refusal}\nEverything else works; executions of Python handlers end as failed (refused).`);
    return { sandbox, refusal };
  }
  if (mend === '') screen.step(`Cage for handlers: ${detail}, ${sandbox.deno.detail}`);
  else screen.warn(`Cage for handlers: ${level}: ${detail}.\n${mend}`);
  return { sandbox, refusal: null };
}
