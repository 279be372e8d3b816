import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { z } from 'zod';
import { runtimeFilePath } from '../cli/runtime-file.ts';

/** Where the running system is; the command line reads it. */
const Runtime = z.object({
  apiUrl: z.string(),
  temporalAddress: z.string(),
  temporalUiUrl: z.string().optional(),
  namespace: z.string(),
  taskQueue: z.string(),
  pid: z.number().int(),
});
export type Runtime = z.infer<typeof Runtime>;

/** Whoever reads it sees all of it or nothing. */
export function writeRuntimeFile(home: string, runtime: Runtime): void {
  const file = runtimeFilePath(home);
  const draft = `${file}.${runtime.pid}`;
  writeFileSync(draft, `${JSON.stringify(runtime, null, 2)}\n`, { mode: 0o600 });
  renameSync(draft, file);
}

export function removeRuntimeFile(home: string): void {
  rmSync(runtimeFilePath(home), { force: true });
}

/** What a process left that was killed before it could stop; undefined after a clean stop. */
export function readLeftRuntime(home: string): Runtime | undefined {
  try {
    return Runtime.safeParse(JSON.parse(readFileSync(runtimeFilePath(home), 'utf8'))).data;
  } catch {
    return undefined;
  }
}
