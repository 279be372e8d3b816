// docs/helpers.md, from the helpers' own definitions. `npm run docs:helpers` writes it; a test fails when it is stale.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { errorTable } from '../src/domain/errors.ts';
import { limits } from '../src/domain/limits.ts';
import { helpers } from '../src/helpers/registry.ts';
import { typeScriptSignature } from '../src/sandbox/typescript/helper-description.ts';
import { root } from './setup/paths.mjs';

/** @typedef {import('../src/helpers/helper.ts').Helper} Helper */

const file = join(root, 'docs', 'helpers.md');

const introduction = `# Helpers

<!-- Written by \`npm run docs:helpers\` from the definitions in src/helpers. -->

Functions that a handler calls by name; there is nothing to import. They act on the execution's own conversation,
whatever context they are handed. \`list_predefined_functions()\` tells of them at run time.

In TypeScript they are the second argument of \`handleEvent\`, in camel case, without the context; arguments go by position and
each answers by a promise. Where the tables say \`True\`, \`None\` and dict, TypeScript has \`true\`, \`null\` and objects. The keys of what they take and
answer are the same in both languages.

A helper that cannot do what it is asked raises \`HelperError\`. Its \`.code\` is stable, its message says what to mend. Every
helper can raise \`invalid_arguments\` (a type, a length or a name is wrong), \`limit_exceeded\` (more than ${String(limits.callArgumentsBytes / 1024)} KB of
arguments) and \`helper_unavailable\` (it was tried for as long as it may take and could not do its work). An execution may make
${String(limits.helperCallsPerExecution)} calls over all its attempts; answers from the record are free.`;

const repeats = {
  read: 'A retried handler gets the recorded answer; where its arguments changed, the call is made anew.',
  write: 'A retried handler gets the recorded answer; nothing is written twice, whatever the arguments.',
  external: 'A retried handler gets the recorded answer; nothing is done twice, whatever the arguments.',
};

/** The page as it should stand in docs/helpers.md. */
export function helperDocs() {
  return `${[introduction, ...helpers.map(section)].join('\n\n')}\n`;
}

/** @param {Helper} helper */
function section(helper) {
  const { name, pythonParams, summary, effect, answeredIn, docs } = helper;
  const errors = Object.entries(docs.errors);
  return [
    `## ${name}`,
    `\`\`\`python\n${name}(${pythonParams})\n\`\`\``,
    `\`\`\`ts\nhelpers.${typeScriptSignature(helper)}\n\`\`\``,
    summary,
    table(['parameter', 'takes'], Object.entries(docs.params)),
    `Returns ${docs.returns}.`,
    table(
      ['error', 'when'],
      errors.map(([code, when]) => [linkTo(code), when]),
    ),
    ...(docs.notes ?? []),
    answeredIn === 'cage' ? 'Answered where the handler runs: it is no recorded call.' : repeats[effect],
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

/** @param {string} code */
function linkTo(code) {
  if (!(code in errorTable)) throw new Error(`there is no error ${code}`);
  return `[\`${code}\`](errors.md)`;
}

/**
 * @param {[string, string]} head
 * @param {string[][]} rows
 */
function table(head, rows) {
  if (rows.length === 0) return '';
  const cells = rows.map(([first = '', second = '']) => [first.startsWith('[') ? first : `\`${first}\``, second]);
  return [head, ['---', '---'], ...cells].map((row) => `| ${row.join(' | ')} |`).join('\n');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await writeFile(file, helperDocs());
