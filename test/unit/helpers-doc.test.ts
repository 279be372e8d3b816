import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { helperDocs } from '../../scripts/helper-docs.mjs';
import { packageRoot } from '../../src/config/package-root.ts';
import { helpers } from '../../src/helpers/registry.ts';

it('docs/helpers.md is what the definitions say; `npm run docs:helpers` writes it anew', () => {
  const page = readFileSync(join(packageRoot, 'docs', 'helpers.md'), 'utf8');
  expect(page).toBe(helperDocs());
});

describe('the page of a helper', () => {
  it.each(helpers.map((helper) => [helper.name, helper] as const))('%s tells of every parameter', (_name, helper) => {
    const names = helper.pythonParams.split(', ').map((param) => param.split('=')[0] ?? '');
    const documented = names.filter((name) => name !== '' && name !== 'context');
    expect(Object.keys(helper.docs.params)).toEqual(documented);
  });
});
