import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { packageRoot } from '../../src/config/package-root.ts';

const Clients = z.object({ pythons: z.record(z.string(), z.string()) });

/** The interpreter that set-up for tests gave a client from PyPI. */
export function pythonWith(client: string): string {
  const file = join(packageRoot, 'node_modules', '.afterword', 'clients.json');
  const path = Clients.parse(JSON.parse(readFileSync(file, 'utf8'))).pythons[client];
  if (path === undefined) throw new Error(`no Python with ${client}: run node scripts/setup.mjs --tests`);
  return path;
}
