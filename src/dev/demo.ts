import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from '../config/config.ts';
import type { Config } from '../config/config.ts';
import { AfterwordError } from '../domain/errors.ts';
import { checkDemo } from './demo-check.ts';
import { arrivedReport, exampleReport } from './example-report.ts';
import { openExamples } from './example-run.ts';
import { openLogFile } from './log-file.ts';
import type { ProcessWatch } from './process-end.ts';
import type { Screen } from './screen.ts';
import { startSystem } from './system.ts';
import type { System } from './system.ts';

/**
 * `npm run demo`: the whole system with state that is thrown away, the examples once, and a look at whether all ended as
 * it should. Answers the exit code: 0, or 1 with the reason shown.
 */
export async function demo(screen: Screen, watch: ProcessWatch): Promise<number> {
  const home = mkdtempSync(join(tmpdir(), 'afterword-demo-'));
  process.once('exit', () => {
    rmSync(home, { recursive: true, force: true });
  });
  try {
    const config = apart(loadConfig(), home);
    screen.output.line('The demo starts, on free ports and with state of its own');
    const log = openLogFile(config, (sentence) => {
      screen.warn(sentence);
    });
    const system = await startSystem({ config, screen, log, temporalDatabase: null });
    try {
      await Promise.race([show(system, screen, watch.signal), untilAsked(watch), system.failed]);
    } finally {
      watch.endInTime();
      await system.stop();
    }
    screen.step('Stopped; all of it is removed');
    return 0;
  } catch (error) {
    screen.fail(error);
    return 1;
  }
}

/** Nothing of a system that may be running beside it. */
function apart(config: Config, home: string): Config {
  return {
    ...config,
    home,
    databaseUrl: undefined,
    host: '127.0.0.1',
    port: 0,
    temporalPort: 0,
    adminKey: undefined,
  };
}

async function show(system: System, screen: Screen, signal: AbortSignal): Promise<void> {
  if (system.pythonRefusal !== null) throw new AfterwordError('python_missing', system.pythonRefusal);
  const examples = openExamples(system, signal);
  try {
    const installed = await examples.installHandlers();
    screen.step(`Installed ${installed.length} example handlers; publishing two example events`);
    const runs = await examples.publishEvents();
    const again = await examples.publishAgain();
    const report = exampleReport(screen.output, runs, ({ published }) => `workflow ${published.workflowId}`);
    screen.step('Their handlers have run:');
    screen.output.line(`\n${report}\n`);
    screen.step('What they sent, to stand-ins on this machine:');
    screen.output.line(`\n${arrivedReport(screen.output, system.standIns)}\n`);
    await checkDemo(examples.api, system.standIns, again);
    screen.step('The same events again: duplicates, nothing ran twice');
    screen.step('What they sent arrived once; tags, timeline and sheet are as they should be');
  } finally {
    await examples.close();
  }
}

async function untilAsked(watch: ProcessWatch): Promise<never> {
  const end = await watch.ended;
  throw end.kind === 'failed' ? end.error : new AfterwordError('run_cancelled', `The demo was ended by ${end.signal}.`);
}
