import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const execute = promisify(execFile);

/** Runs a program to its end; throws with what it said. */
export async function runTool(file: string, args: readonly string[]): Promise<void> {
  await execute(file, args).catch((error: unknown) => {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    throw new Error(`${file} ${args.at(-1) ?? ''} failed:\n${stdout}${stderr}`, { cause: error });
  });
}
