import { parseArgs } from 'node:util';
import { AfterwordError } from '../domain/errors.ts';
import { demo } from './demo.ts';
import { watchProcess } from './process-end.ts';
import { createScreen } from './screen.ts';
import { start } from './start.ts';

/** The command line `dev.js [--demo]`; answers the exit code. */
export async function main(args: string[]): Promise<number> {
  const { stdout, stderr } = process;
  // `npm start | head` closes the pipe early; the system goes on.
  for (const stream of [stdout, stderr]) stream.on('error', () => undefined);
  const screen = createScreen({ stdout, stderr, sinceStartMs: () => performance.now() });
  const watch = watchProcess(() => {
    screen.warn('Stopping took too long. What was still running goes on at the next start.');
  });
  try {
    const { values } = parseArgs({ args, options: { demo: { type: 'boolean' } } });
    return await (values.demo === true ? demo : start)(screen, watch);
  } catch (error) {
    screen.fail(new AfterwordError('invalid_usage', error instanceof Error ? error.message : String(error)));
    return 1;
  }
}
