import { spawn } from 'node:child_process';
import { access, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { packageRoot } from '../../src/config/package-root.ts';
import { median } from '../measure.ts';
import { row, type BenchResult } from '../result.ts';

const starts = 3;
const readyDeadlineMs = 60_000;

/** `npm start` with everything installed, the first start behind it. */
export async function start(): Promise<BenchResult[]> {
  const home = await mkdtemp(join(tmpdir(), 'afterword-bench-start-'));
  try {
    await secondsUntilReady(home);
    const seconds: number[] = [];
    for (let n = 0; n < starts; n += 1) seconds.push(await secondsUntilReady(home));
    return [row('npm start, everything installed: until ready', 's', { value: median(seconds) }, { atMost: 5 })];
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

async function secondsUntilReady(home: string): Promise<number> {
  const ready = join(home, 'runtime.json');
  const from = performance.now();
  const child = spawn('npm', ['start'], {
    cwd: packageRoot,
    stdio: 'ignore',
    detached: true,
    env: {
      ...process.env,
      AFTERWORD_HOME: home,
      AFTERWORD_PORT: '0',
      AFTERWORD_TEMPORAL_PORT: '0',
      AFTERWORD_TEMPORAL_UI_PORT: '0',
    },
  });
  const gone = new Promise((resolve) => child.once('exit', resolve));
  try {
    while (!(await exists(ready))) {
      if (performance.now() - from > readyDeadlineMs) throw new Error('npm start was not ready within a minute');
      await sleep(20);
    }
    return (performance.now() - from) / 1000;
  } finally {
    // The whole group, as Ctrl-C does.
    process.kill(-(child.pid ?? 0), 'SIGINT');
    await gone;
  }
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
