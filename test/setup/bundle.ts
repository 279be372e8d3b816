import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { TestProject } from 'vitest/node';
import { isBuilt } from '../../scripts/setup/sources.mjs';
import { packageRoot } from '../../src/config/package-root.ts';
import { oncePerRun } from './once-per-run.ts';
import './provided.ts';

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { value, release } = await oncePerRun('bundle', async () => {
    if (!isBuilt()) await promisify(execFile)(process.execPath, [join(packageRoot, 'scripts', 'build.mjs')]);
    return { value: join(packageRoot, 'dist', 'workflow-bundle.js'), stop: () => Promise.resolve() };
  });
  project.provide('workflowBundle', value);
  return release;
}
