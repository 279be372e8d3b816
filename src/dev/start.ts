import { join } from 'node:path';
import { loadConfig } from '../config/config.ts';
import type { Config } from '../config/config.ts';
import { logSystemFailed, logSystemReady, logSystemStopped, logSystemStopping } from '../observability/dev-log.ts';
import type { Log } from '../observability/log.ts';
import { arrivedReport, exampleReport, workflowPage } from './example-report.ts';
import { openExamples } from './example-run.ts';
import { takeHome } from './home-folder.ts';
import { openLogFile } from './log-file.ts';
import { checkPorts, untilSilent } from './ports.ts';
import type { ProcessWatch } from './process-end.ts';
import { readLeftRuntime, removeRuntimeFile, writeRuntimeFile } from './runtime-file.ts';
import type { Screen } from './screen.ts';
import { startSystem } from './system.ts';
import type { System } from './system.ts';
import { welcomeText } from './welcome-text.ts';

interface Running {
  readonly config: Config;
  readonly screen: Screen;
  readonly log: Log;
  readonly watch: ProcessWatch;
}

/** `npm start`: everything until Ctrl-C. Answers the exit code: 0 when it was told to stop, 1 when it cannot run. */
export async function start(screen: Screen, watch: ProcessWatch): Promise<number> {
  try {
    const config = loadConfig();
    screen.output.line(`Afterword starts; its state is in ${config.home}`);
    process.once('exit', takeHome(config.home));
    const log = openLogFile(config, (sentence) => {
      screen.warn(sentence);
    });
    return await runWithLog({ config, screen, log, watch });
  } catch (error) {
    screen.fail(error);
    return 1;
  }
}

async function runWithLog(running: Running): Promise<number> {
  try {
    return await run(running);
  } catch (error) {
    logSystemFailed(running.log, error);
    throw error;
  }
}

async function run(running: Running): Promise<number> {
  const { config, screen, log, watch } = running;
  const left = readLeftRuntime(config.home);
  if (left !== undefined) await untilSilent(left.temporalAddress);
  removeRuntimeFile(config.home);
  process.once('exit', () => {
    removeRuntimeFile(config.home);
  });
  await checkPorts(config);
  const system = await startSystem({ config, screen, log, temporalDatabase: join(config.home, 'temporal.db') });
  try {
    await Promise.race([stayUp(running, system), watch.ended, system.failed]);
    const end = await watch.ended;
    if (end.kind === 'failed') throw end.error;
    screen.output.line(`\nStopping; a second Ctrl-C ends it at once`);
    logSystemStopping(log, end.signal);
    return 0;
  } finally {
    watch.endInTime();
    removeRuntimeFile(config.home);
    await system.stop();
    logSystemStopped(log);
    screen.step('stopped');
  }
}

/** Ready, the examples at the first start, and then nothing more but to be there: never resolves. */
async function stayUp({ config, screen, log, watch }: Running, system: System): Promise<never> {
  const { apiUrl, temporalAddress, temporalUiUrl, namespace, taskQueue } = system;
  writeRuntimeFile(config.home, {
    apiUrl,
    temporalAddress,
    ...(temporalUiUrl === null ? {} : { temporalUiUrl }),
    namespace,
    taskQueue,
    pid: process.pid,
  });
  logSystemReady(log, { apiUrl, temporalAddress, readyMs: Math.round(performance.now()) });
  const readyAfter = screen.elapsed();
  try {
    await runExamplesOnce(system, screen, watch.signal);
  } catch (error) {
    if (watch.signal.aborted) return await never();
    logSystemFailed(log, error);
    screen.fail(error);
    screen.warn('The examples could not be run; the system itself is up.');
  }
  screen.output.line(welcomeText(screen.output, { config, system, readyAfter }));
  return await never();
}

async function runExamplesOnce(system: System, screen: Screen, signal: AbortSignal): Promise<void> {
  const examples = openExamples(system, signal);
  try {
    if (!(await examples.isFirstStart())) return;
    const installed = await examples.installHandlers();
    if (installed.length > 0) screen.step(`First start: installed ${installed.length} example handlers`);
    if (system.pythonRefusal !== null) {
      screen.warn('The example events are not published before Python handlers can run.');
      return;
    }
    screen.step('Publishing two example events');
    const runs = await examples.publishEvents();
    const uiUrl = system.temporalUiUrl ?? '';
    const report = exampleReport(screen.output, runs, (one) => workflowPage(uiUrl, system.namespace, one));
    screen.step('Their handlers have run:');
    screen.output.line(`\n${report}\n`);
    screen.step('What they sent, to stand-ins on this machine:');
    screen.output.line(`\n${arrivedReport(screen.output, system.standIns)}`);
  } finally {
    await examples.close();
  }
}

function never(): Promise<never> {
  return new Promise(() => undefined);
}
