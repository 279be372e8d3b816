import type { AnyNode } from 'acorn';
import type { CodeFinding } from '../../contract/handler.ts';
import { entryPoint, exportsOf, refuseModules, topLevelNames } from './exports.ts';
import { readHandlerSource, SourceFault, type HandlerSource, type Place } from './handler-source.ts';
import { isReference, namesBoundBy, nodesOf, placeOf } from './syntax-tree.ts';

const mostFindings = 20;
/** How alike two names must be for the one to be a slip of the other: letters, underscores or capitals apart. */
const mostSlips = 2;
const absent = new Set([
  ...['Deno', 'process', 'require', 'module', 'exports', '__dirname', '__filename', 'window', 'document'],
  ...['Worker', 'WebSocket', 'EventSource', 'BroadcastChannel', 'XMLHttpRequest'],
  ...['localStorage', 'sessionStorage', 'caches', 'alert', 'confirm', 'prompt'],
]);

/** What is wrong with a TypeScript handler. Throws what `readHandlerSource` throws but SourceFault. */
export function findingsIn(code: string, helperNames: readonly string[]): CodeFinding[] {
  try {
    const source = readHandlerSource(code);
    const nodes = [...nodesOf(source.program)];
    refuseModules(nodes);
    const bound = new Set(nodes.flatMap(({ node }) => namesBoundBy(node)));
    const errors = [...entryPointFindings(source), ...helperFindings(source, nodes, helperNames)];
    return [...errors, ...absenceFindings(nodes, bound)].slice(0, mostFindings);
  } catch (error) {
    if (!(error instanceof SourceFault)) throw error;
    return [finding('error', error.place, error.message)];
  }
}

type Nodes = readonly { readonly node: AnyNode; readonly above: readonly AnyNode[] }[];

function entryPointFindings({ program }: HandlerSource): CodeFinding[] {
  const names = topLevelNames(program);
  const local = exportsOf(program).get(entryPoint);
  if (local === undefined) {
    const unexported = names.get(entryPoint);
    const message = unexported
      ? `${entryPoint} is not exported; write export before it`
      : `the file exports no function ${entryPoint}(context, helpers)`;
    const alike = [...names].find(([name]) => isSlip(name, entryPoint));
    if (unexported || !alike) return [finding('error', unexported ? placeOf(unexported) : null, message)];
    return [finding('error', placeOf(alike[1]), `${message}; is ${alike[0]} meant to be ${entryPoint}?`)];
  }
  const declared = functionNamed(program, local);
  if (declared === undefined) return [];
  const required = declared.params.filter(({ type }) => type !== 'AssignmentPattern' && type !== 'RestElement').length;
  if (required > 2) {
    const message = `${entryPoint} is called with two arguments: (context, helpers)`;
    return [finding('error', placeOf(declared), message)];
  }
  if (declared.generator) {
    return [finding('error', placeOf(declared), `${entryPoint} is a generator; return the result, not yield`)];
  }
  return [];
}

function functionNamed(program: HandlerSource['program'], name: string) {
  for (const statement of program.body) {
    const node = statement.type === 'ExportNamedDeclaration' ? statement.declaration : statement;
    if (node?.type === 'FunctionDeclaration' && node.id.name === name) return node;
  }
  return undefined;
}

/** `helpers.addConversationTags(…)`, where the second parameter of the entry point is called `helpers`. */
function helperFindings({ program }: HandlerSource, nodes: Nodes, helperNames: readonly string[]): CodeFinding[] {
  const local = exportsOf(program).get(entryPoint);
  const second = local === undefined ? undefined : functionNamed(program, local)?.params[1];
  if (second?.type !== 'Identifier') return [];
  return nodes.flatMap(({ node }) => {
    if (node.type !== 'MemberExpression' || node.object.type !== 'Identifier' || node.object.name !== second.name) {
      return [];
    }
    if (node.computed || node.property.type !== 'Identifier' || helperNames.includes(node.property.name)) return [];
    const { name } = node.property;
    const meant = helperNames.find((known) => isSlip(name, known));
    const hint = meant === undefined ? '' : `; did you mean ${meant}?`;
    return [
      finding(meant === undefined ? 'warning' : 'error', placeOf(node.property), `there is no helper ${name}${hint}`),
    ];
  });
}

/** Each name once, where it first stands. */
function absenceFindings(nodes: Nodes, bound: ReadonlySet<string>): CodeFinding[] {
  const seen = new Set(bound);
  return nodes.flatMap(({ node, above }) => {
    if (node.type !== 'Identifier' || !absent.has(node.name) || seen.has(node.name)) return [];
    if (!isReference(node, above.at(-1))) return [];
    seen.add(node.name);
    const message = `${node.name} is not available in handlers; use context, helpers and fetch`;
    return [finding('warning', placeOf(node), message)];
  });
}

function finding(severity: CodeFinding['severity'], place: Place | null, message: string): CodeFinding {
  return { severity, line: place?.line ?? null, column: place?.column ?? null, message };
}

function isSlip(name: string, meant: string): boolean {
  const [a, b] = [plain(name), plain(meant)];
  return Math.abs(a.length - b.length) <= mostSlips && distance(a, b) <= mostSlips;
}

function plain(name: string): string {
  return name.replaceAll('_', '').toLowerCase();
}

/** How many letters have to be put in, taken out or changed. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (const [i, letter] of [...a].entries()) {
    const next = [i + 1];
    for (const [j, other] of [...b].entries()) {
      const change = (row[j] ?? 0) + (letter === other ? 0 : 1);
      next.push(Math.min(change, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
