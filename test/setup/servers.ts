import type { TestProject } from 'vitest/node';
import setUpBundle from './bundle.ts';
import setUpEmbedded from './embedded.ts';
import setUpPostgres from './postgres.ts';
import setUpTemporal from './temporal.ts';

/** All at once: each of them waits more than it works. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const parts = [setUpBundle, setUpEmbedded, setUpPostgres, setUpTemporal];
  const releases = await Promise.all(parts.map((setUp) => setUp(project)));
  return async () => {
    await Promise.all(releases.map((release) => release()));
  };
}
