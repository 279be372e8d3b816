import type { ErrorCode } from '../domain/errors.ts';
import type { Helper } from '../helpers/helper.ts';
import { camelCase, typeScriptSignature } from '../sandbox/typescript/helper-description.ts';
import { docComment, forTypeScript } from './doc-comment.ts';

/** Those that every helper can throw. */
const common: readonly ErrorCode[] = ['invalid_arguments', 'limit_exceeded', 'helper_unavailable'];

/** What the second parameter of a handler is, from the helpers' own definitions. */
export function helpersText(helpers: readonly Helper[]): string {
  return `interface Helpers {\n${helpers.map(helperText).join('\n')}}\n`;
}

/** Every `code` that a helper names, those that every helper can throw first. */
export function errorCodesText(helpers: readonly Helper[]): string {
  const codes = new Set<string>([...common, ...helpers.flatMap(({ docs }) => Object.keys(docs.errors))]);
  return [...codes].map((code) => `'${code}'`).join(' | ');
}

function helperText(helper: Helper): string {
  const { summary, typescript, docs } = helper;
  const params = Object.entries(docs.params).map(([param, takes]) => `@param ${camelCase(param)} ${takes}`);
  const errors = Object.entries(docs.errors).map(([code, when]) => `@throws HelperError \`${code}\`: ${when}`);
  const returns = typescript.returns === 'void' ? [] : [`@returns ${docs.returns}`];
  const lines = [summary, ...params, ...returns, ...errors].map(forTypeScript);
  return `${docComment(lines, '  ')}  ${typeScriptSignature(helper)};\n`;
}
