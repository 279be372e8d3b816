import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

test('a run whose tests failed does not end as if they had passed', () => {
  const program = fileURLToPath(new URL('programs/failed-tests.ts', import.meta.url));
  const { status } = spawnSync(process.execPath, ['--disable-warning=ExperimentalWarning', program]);
  expect(status).toBe(1);
});
