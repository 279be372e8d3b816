import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inject, expect, test, vi } from 'vitest';
import { readToolchain } from '../../src/config/toolchain.ts';
import { TemporalPortTaken, TemporalStartFailed, startTemporalDevServer } from '../../src/temporal/dev-server.ts';

const cliPath = readToolchain().temporalCli ?? '';

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

test('keeps what it knows in its file, and ends when it is told to', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'afterword-temporal-'));
  try {
    const options = { cliPath, dbFilename: join(folder, 'temporal.db'), logFile: join(folder, 'temporal.log') };
    const first = await startTemporalDevServer({ ...options, namespace: 'kept', uiPort: 0 });
    expect((await fetch(first.uiUrl ?? '')).ok).toBe(true);
    await first.stop();
    expect(isRunning(first.pid)).toBe(false);

    const second = await startTemporalDevServer({ ...options, namespace: 'kept' });
    expect(second.uiUrl).toBeNull();
    await second.stop();
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('says which port is taken and which variable chooses another', async () => {
  const port = Number(inject('temporal').address.split(':')[1]);
  const start = startTemporalDevServer({ cliPath, port });
  await expect(start).rejects.toThrow(TemporalPortTaken);
  await expect(start).rejects.toThrow(new RegExp(`${port}.*AFTERWORD_TEMPORAL_PORT`));
});

test('shows what a program that is no Temporal said last', async () => {
  const start = startTemporalDevServer({ cliPath: '/nowhere/temporal' });
  await expect(start).rejects.toThrow(TemporalStartFailed);
  await expect(start).rejects.toThrow(/exit code 127.*not found/s);
});

test('ends with the process that started it, even when that is killed', async () => {
  const program = join(import.meta.dirname, 'programs', 'start-temporal.ts');
  const starter = spawn(process.execPath, [program, cliPath], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(starter.stdout, 'data')) as [Buffer];
  const pid = Number(line.toString());
  expect(isRunning(pid)).toBe(true);
  starter.kill('SIGKILL');
  await vi.waitFor(
    () => {
      expect(isRunning(pid)).toBe(false);
    },
    { timeout: 10_000, interval: 50 },
  );
});
