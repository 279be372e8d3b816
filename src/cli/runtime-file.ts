import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

const RuntimeFile = z.object({
  apiUrl: z.string(),
  temporalAddress: z.string().optional(),
  namespace: z.string().optional(),
  taskQueue: z.string().optional(),
});
export type RuntimeFile = z.infer<typeof RuntimeFile>;

export function runtimeFilePath(home: string): string {
  return join(home, 'runtime.json');
}

/** What `npm start` wrote when it was ready; undefined where it never ran or the file cannot be read. */
export function readRuntimeFile(home: string): RuntimeFile | undefined {
  try {
    return RuntimeFile.safeParse(JSON.parse(readFileSync(runtimeFilePath(home), 'utf8'))).data;
  } catch {
    return undefined;
  }
}
