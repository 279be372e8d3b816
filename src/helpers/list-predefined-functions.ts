import type { CageHelper } from './helper.ts';

/** Answered in the cage, from the definitions that it was given. */
export const listPredefinedFunctions: CageHelper = {
  name: 'list_predefined_functions',
  summary: 'Every function that a handler can call, with its signature and what it does.',
  pythonParams: '',
  typescript: { params: '', returns: '{ name: string; signature: string; description: string }[]' },
  effect: 'read',
  answeredIn: 'cage',
  docs: { params: {}, returns: 'a list of `{name, signature, description}`', errors: {} },
};
