import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const execute = promisify(execFile);

/** Runs a program to its end with this environment alone; throws with what it said. */
export async function runTool(file: string, args: readonly string[], env: Record<string, string>): Promise<void> {
  await execute(file, args, { env }).catch((error: unknown) => {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    throw new Error(`${[file, ...args].join(' ')} failed:\n${stdout}${stderr}`, { cause: error });
  });
}
