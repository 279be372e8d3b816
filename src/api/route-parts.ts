import type { z } from 'zod';
import { Problem } from '../contract/problem.ts';
import type { Scope } from '../domain/scopes.ts';
import { requireScope } from './require-scope.ts';

/** Pieces of which the descriptions of the routes are made. */

const problem = {
  description: 'Any error, as problem details with a stable `code`.',
  content: { 'application/problem+json': { schema: Problem } },
};

export function answers<Schema extends z.ZodType>(schema: Schema, description: string) {
  return { 200: jsonOf(schema, description), default: problem };
}

export const orProblem = { default: problem };

export function jsonOf<Schema extends z.ZodType>(schema: Schema, description: string) {
  return { description, content: { 'application/json': { schema } } };
}

export function bodyOf<Schema extends z.ZodType>(schema: Schema) {
  return { required: true, content: { 'application/json': { schema } } };
}

/** Who may call a route: spread into its description, where the document says it and the router sees to it. */
export function needs(scope: Scope) {
  return { security: [{ apiKey: [scope] }], middleware: requireScope(scope) };
}
