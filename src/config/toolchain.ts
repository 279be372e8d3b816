import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { packageRoot } from './package-root.ts';

const Toolchain = z.object({ temporalCli: z.string().nullable(), python: z.string().nullable() });
export type Toolchain = z.infer<typeof Toolchain>;

/**
 * What scripts/setup.mjs found or fetched on this machine. Nothing where set-up has not run (a container image sets the
 * variables instead) or has been interrupted.
 */
export function readToolchain(file = join(packageRoot, 'node_modules', '.afterword', 'toolchain.json')): Toolchain {
  const nothing: Toolchain = { temporalCli: null, python: null };
  try {
    return Toolchain.safeParse(JSON.parse(readFileSync(file, 'utf8'))).data ?? nothing;
  } catch {
    return nothing;
  }
}
