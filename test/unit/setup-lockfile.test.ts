import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { missingOptionalPackages } from '../../scripts/setup/lockfile.mjs';
import { packageRoot } from '../../src/config/package-root.ts';

const text = readFileSync(join(packageRoot, 'package-lock.json'), 'utf8');
const { packages } = JSON.parse(text) as { packages: Parameters<typeof missingOptionalPackages>[0] };

test('package-lock.json is complete for every platform, so that npm ci accepts it', () => {
  const missing = missingOptionalPackages(packages).map(({ name }) => name);
  expect(missing, 'run `npm run lock`').toEqual([]);
});

test('package-lock.json names no registry', () => {
  expect(text).not.toContain('"resolved"');
});

test('an optional dependency is found beside the package that wants it and above it', () => {
  const wanting = { optionalDependencies: { beside: '1.0.0', above: '1.0.0', nowhere: '1.0.0' } };
  const missing = missingOptionalPackages({
    'node_modules/a/node_modules/b': wanting,
    'node_modules/a/node_modules/b/node_modules/beside': {},
    'node_modules/above': {},
  });
  expect(missing).toEqual([{ name: 'nowhere', version: '1.0.0', dev: false }]);
});
