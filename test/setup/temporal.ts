import type { TestProject } from 'vitest/node';
import { readToolchain } from '../../src/config/toolchain.ts';
import { startTemporalDevServer } from '../../src/temporal/dev-server.ts';
import { oncePerRun } from './once-per-run.ts';
import './provided.ts';

const namespace = 'default';

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { value, release } = await oncePerRun('temporal', async () => {
    const { temporalCli } = readToolchain();
    if (temporalCli === null) throw new Error('These tests need the Temporal CLI: run `npm run setup` first.');
    const server = await startTemporalDevServer({ cliPath: temporalCli, namespace });
    return { value: { address: server.address, namespace }, stop: () => server.stop() };
  });
  project.provide('temporal', value);
  return release;
}
