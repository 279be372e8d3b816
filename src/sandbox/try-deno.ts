import { createSandbox } from './create-sandbox.ts';
import { handlerLimits } from './handler-limits.ts';

const code = 'export const handleEvent = (context: unknown): unknown => context;';

/** Runs a handler that does nothing; null where it succeeds, else why it does not. Never rejects. */
export async function tryDeno(pythonPath: string, denoPath: string): Promise<string | null> {
  const sandbox = await createSandbox({ pythonPath, denoPath });
  try {
    const result = await sandbox.run(
      {
        language: 'typescript',
        code,
        contextJson: 'null',
        helpers: [],
        callsInFlight: 1,
        tool: {
          name: null,
          context: { credentials: {}, parameters: {}, globals: {}, contact: {}, project: {}, constants: {} },
          whole: false,
        },
        randomSeed: '',
        limits: handlerLimits,
      },
      {
        call: () => Promise.reject(new Error('it makes no calls')),
        request: () => Promise.reject(new Error('it sends nothing')),
        log: () => undefined,
      },
    );
    if (result.outcome === 'succeeded') return null;
    return 'error' in result ? result.error.message : result.outcome;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    await sandbox.close();
  }
}
