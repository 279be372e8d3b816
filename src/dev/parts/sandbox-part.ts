import { logCage } from '../../observability/worker-log.ts';
import { createPythonSandbox } from '../../sandbox/python-sandbox.ts';
import type { PythonSandbox } from '../../sandbox/python-sandbox.ts';
import type { PartOptions } from './part-options.ts';

export interface SandboxPart {
  readonly sandbox: PythonSandbox;
  /** Why Python handlers are refused and how to mend it; null where they run. */
  readonly refusal: string | null;
}

export async function createSandboxPart({ config, screen, log, closing }: PartOptions): Promise<SandboxPart> {
  const sandbox = await createPythonSandbox({
    pythonPath: config.python ?? 'python3',
    unsandboxed: config.unsafeUncaged,
    log: (message) => {
      logCage(log, message);
    },
  });
  closing.add('sandbox', () => sandbox.close());
  const { level, detail, mend, executable } = sandbox.capability;
  if (level === 'full') {
    screen.step(`Cage for handlers: ${detail}`);
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
