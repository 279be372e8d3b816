import type { JsonValue } from '../../src/contract/json.ts';
import type { Operation, Schema } from './openapi-operations.ts';

/** What schemas cannot say: names and ids of what there is, code that works. By property, or by parameter. */
export type Known = Readonly<Record<string, string | number>>;

type Schemas = Readonly<Record<string, Schema>>;

/** The least that the schema allows, with what is known. */
export function exampleOf(schema: Schema, schemas: Schemas, known: Known, name = ''): JsonValue {
  const own = known[name];
  if (own !== undefined) return own;
  const { $ref, type, properties, items, minimum, minItems = 0 } = schema;
  if (typeof $ref === 'string') return exampleOf(schemas[$ref.split('/').at(-1) ?? ''] ?? {}, schemas, known, name);
  const chosen = [schema.const, firstOf(schema.enum), schema.default].find((value) => value !== undefined);
  if (chosen !== undefined) return chosen as JsonValue;
  for (const choice of [schema.anyOf, schema.oneOf]) {
    const first: unknown = firstOf(choice);
    if (isSchema(first)) return exampleOf(first, schemas, known, name);
  }
  if (Array.isArray(schema.allOf)) {
    const parts = schema.allOf.filter(isSchema).map((part) => exampleOf(part, schemas, known, name));
    return Object.assign({}, ...parts) as JsonValue;
  }
  switch (firstOf(type) ?? type) {
    case 'object': {
      const required = Array.isArray(schema.required) ? schema.required.map(String) : [];
      const fields = isSchema(properties) ? properties : {};
      return Object.fromEntries(
        required.map((field) => {
          const inner: unknown = fields[field];
          return [field, exampleOf(isSchema(inner) ? inner : {}, schemas, known, field)];
        }),
      );
    }
    case 'array':
      return Array.from({ length: Number(minItems) }, () => exampleOf(isSchema(items) ? items : {}, schemas, known));
    case 'integer':
    case 'number':
      return typeof minimum === 'number' ? minimum : 1;
    case 'boolean':
      return true;
    case 'null':
      return null;
    default:
      return textOf(schema);
  }
}

function textOf({ format, minLength = 0 }: Schema): string {
  if (format === 'date-time') return '2026-01-31T12:00:00Z';
  if (format === 'uuid') return '0199a3f0-0000-7000-8000-0000000000ee';
  if (format === 'uri') return 'https://example.com/';
  return 'example'.padEnd(Number(minLength), 'x');
}

function firstOf(value: unknown): unknown {
  return Array.isArray(value) ? value[0] : undefined;
}

function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Path with its parameters and, of the query, what is required; `known` by `<first name of the path>.<parameter>`. */
export function urlOf({ path, parameters }: Operation, schemas: Schemas, known: Known): string {
  const [, , , family = ''] = path.split('/');
  const filled = path.replaceAll(/\{(\w+)\}/gu, (_, name: string) => {
    const value = known[`${family}.${name}`];
    if (value === undefined) throw new Error(`No ${family} are known: say a ${name} of one that exists, for ${path}.`);
    return encodeURIComponent(String(value));
  });
  const query = parameters
    .filter((parameter) => parameter.in === 'query' && parameter.required === true)
    .map(({ name, schema }): [string, string] => {
      const value = exampleOf(schema, schemas, known, name);
      return [name, typeof value === 'string' ? value : JSON.stringify(value)];
    });
  return query.length === 0 ? filled : `${filled}?${new URLSearchParams(query).toString()}`;
}
