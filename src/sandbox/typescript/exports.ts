import type { AnyNode, ExportDefaultDeclaration, ExportNamedDeclaration, Program } from 'acorn';
import { SourceFault } from './handler-source.ts';
import { namesIn, placeOf } from './syntax-tree.ts';

export const entryPoint = 'handleEvent';

/** What the file exports: the name outside and the one inside. */
export function exportsOf(program: Program): Map<string, string> {
  const found = new Map<string, string>();
  for (const statement of program.body) {
    if (statement.type !== 'ExportNamedDeclaration') continue;
    for (const name of declaredBy(statement)) found.set(name, name);
    for (const { exported, local } of statement.specifiers) {
      if (exported.type === 'Identifier' && local.type === 'Identifier') found.set(exported.name, local.name);
    }
  }
  return found;
}

/** Names of the functions, classes and variables at the top level, and where they are declared. */
export function topLevelNames(program: Program): Map<string, AnyNode> {
  const found = new Map<string, AnyNode>();
  for (const statement of program.body) {
    const declaration =
      statement.type === 'ExportNamedDeclaration' || statement.type === 'ExportDefaultDeclaration'
        ? statement.declaration
        : statement;
    for (const name of namesDeclared(declaration ?? statement)) found.set(name, statement);
  }
  return found;
}

/** The text with its exports made plain declarations, everything in its old place. */
export function withoutExports(script: string, program: Program): string {
  let text = script;
  for (const statement of program.body) {
    if (statement.type === 'ExportNamedDeclaration') {
      const end = statement.declaration ? statement.declaration.start : statement.end;
      text = blanked(text, statement.start, end);
    } else if (statement.type === 'ExportDefaultDeclaration') {
      text = blanked(text, statement.start, statement.declaration.start, keepsName(statement) ? '' : 'void ');
    }
  }
  return text;
}

/** Handlers are one file, without anything to import from. Throws SourceFault. */
export function refuseModules(nodes: Iterable<{ node: AnyNode }>): void {
  for (const { node } of nodes) {
    const message = messageFor(node);
    if (message !== undefined) throw new SourceFault(message, placeOf(node));
  }
}

function messageFor(node: AnyNode): string | undefined {
  const advice = 'there is nothing to import: the helpers come as the second argument, and fetch is there';
  if (node.type === 'ImportDeclaration') return `handlers are one file, and ${advice}; for types write import type`;
  if (node.type === 'ImportExpression') return `handlers are one file, and ${advice}`;
  if (node.type === 'ExportAllDeclaration' || (node.type === 'ExportNamedDeclaration' && node.source)) {
    return 'handlers are one file: there is nothing to export from';
  }
  if (node.type === 'MetaProperty' && node.meta.name === 'import') return 'import.meta is not available in handlers';
  return undefined;
}

function declaredBy({ declaration }: ExportNamedDeclaration): string[] {
  return declaration ? namesDeclared(declaration) : [];
}

function namesDeclared(node: AnyNode): string[] {
  if (node.type === 'VariableDeclaration') return node.declarations.flatMap(({ id }) => namesIn(id));
  if (node.type === 'FunctionDeclaration' || node.type === 'ClassDeclaration') return node.id ? [node.id.name] : [];
  return [];
}

/** `export default function name() {}` declares a name; without one it would be no statement. */
function keepsName({ declaration }: ExportDefaultDeclaration): boolean {
  const kinds = ['FunctionDeclaration', 'ClassDeclaration'];
  return kinds.includes(declaration.type) && 'id' in declaration && declaration.id !== null;
}

function blanked(text: string, start: number, end: number, instead = ''): string {
  const spaces = text.slice(start + instead.length, end).replace(/[^\r\n\u2028\u2029]/g, ' ');
  return `${text.slice(0, start)}${instead}${spaces}${text.slice(end)}`;
}
