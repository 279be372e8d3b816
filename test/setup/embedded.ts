import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { openStore } from '../../src/store/database.ts';
import { migrate } from '../../src/store/migrate.ts';
import { oncePerRun } from './once-per-run.ts';
import './provided.ts';

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { value, release } = await oncePerRun('embedded', makeTemplate);
  project.provide('embeddedTemplate', value);
  return release;
}

/** An embedded store computes for seconds until it is there; a copy of its files opens in a moment. */
async function makeTemplate() {
  const folder = await mkdtemp(join(tmpdir(), 'afterword-test-embedded-'));
  const store = await openStore({ embeddedFolder: folder });
  try {
    await migrate(store);
  } finally {
    await store.close();
  }
  return { value: folder, stop: () => rm(folder, { recursive: true, force: true }) };
}
