import { z } from 'zod';
import { docComment } from './doc-comment.ts';

type Schema = z.core.$ZodType;

/** Schemas that have a name in the text. */
export type TypeNames = ReadonlyMap<Schema, string>;

const plain: Readonly<Record<string, string>> = { string: 'string', number: 'number', boolean: 'boolean' };

/** What the schema takes, as TypeScript. Throws for a kind of schema that no contract of handlers has yet. */
function typeText(schema: Schema, names: TypeNames, indent = ''): string {
  const name = names.get(schema);
  if (name !== undefined) return name;
  if (schema instanceof z.core.$ZodObject) return membersText(schema, names, indent);
  if (schema instanceof z.core.$ZodNullable) return `${typeText(schema._zod.def.innerType, names, indent)} | null`;
  if (schema instanceof z.core.$ZodOptional) return typeText(schema._zod.def.innerType, names, indent);
  if (schema instanceof z.core.$ZodPipe) return typeText(schema._zod.def.in, names, indent);
  if (schema instanceof z.core.$ZodArray) return listText(typeText(schema._zod.def.element, names, indent));
  if (schema instanceof z.core.$ZodRecord) {
    return `Record<string, ${typeText(schema._zod.def.valueType, names, indent)}>`;
  }
  if (schema instanceof z.core.$ZodEnum) {
    return Object.values(schema._zod.def.entries)
      .map((value) => `'${String(value)}'`)
      .join(' | ');
  }
  // `z.json()`: nothing else recurses.
  if (schema instanceof z.core.$ZodLazy) return 'JsonValue';
  const text = plain[schema._zod.def.type];
  if (text === undefined) throw new Error(`there is no TypeScript for a schema of type ${schema._zod.def.type} yet`);
  return text;
}

/** `{ … }`, a line a member. Members that are objects of their own stand a step deeper. */
export function membersText(schema: z.core.$ZodObject, names: TypeNames, indent = ''): string {
  const inner = `${indent}  `;
  const members = Object.entries(schema._zod.def.shape).map(([key, value]) => {
    const optional = value instanceof z.core.$ZodOptional ? '?' : '';
    const { description } = z.globalRegistry.get(value) ?? {};
    const comment = docComment(description === undefined ? [] : [description], inner);
    return `${comment}${inner}${key}${optional}: ${typeText(value, names, inner)};\n`;
  });
  return `{\n${members.join('')}${indent}}`;
}

function listText(element: string): string {
  return element.includes(' ') && !element.startsWith('{') ? `(${element})[]` : `${element}[]`;
}
