import type { DescribedHelper } from '../contract/helper-registry.ts';
import type { Helper } from '../helpers/helper.ts';
import { helpers } from '../helpers/registry.ts';
import { typeScriptSignature } from '../sandbox/typescript/helper-description.ts';
import { declarations } from './declarations.ts';

const inTestRun = {
  read: 'It answers for real.',
  write: 'It is answered as if it had been done; nothing is written, and later reads of the same run see it.',
  external: 'It is answered as if it had been done; nothing is sent.',
};

function describe(helper: Helper): DescribedHelper {
  const { name, summary, pythonParams, effect, docs } = helper;
  return {
    name,
    summary,
    python: `${name}(${pythonParams})`,
    typescript: typeScriptSignature(helper),
    effect,
    inTestRun: helper.inTestRun ?? inTestRun[effect],
    params: Object.entries(docs.params).map(([param, takes]) => ({ name: param, takes })),
    returns: docs.returns,
    errors: Object.entries(docs.errors).map(([code, when]) => ({ code, when })),
    notes: [...(docs.notes ?? [])],
  };
}

/** What a server tells of the helpers: their descriptions, and the text of `afterword.d.ts`. */
export const helperRegistry = { helpers: helpers.map(describe), declarations };
