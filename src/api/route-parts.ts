import { z } from 'zod';
import { Problem } from '../contract/problem.ts';
import type { Scope } from '../domain/scopes.ts';
import { auditRest } from './audit.ts';
import { onceByKey } from './idempotency.ts';
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

interface Described {
  readonly description: string;
  readonly content?: { readonly 'text/event-stream': { readonly schema: z.ZodType } };
}

/** Of server-sent events. That there is content is not said of the type: only so a route may answer by a stream. */
export function streamOf(description: string): { 200: Described } {
  return { 200: { description, content: { 'text/event-stream': { schema: z.string() } } } };
}

export function bodyOf<Schema extends z.ZodType>(schema: Schema) {
  return { required: true, content: { 'application/json': { schema } } };
}

interface Needed {
  /** It starts something: takes an `Idempotency-Key`. */
  readonly starts?: true;
  /** Whatever its method says, nothing is another after it: no entry in the audit log. */
  readonly changesNothing?: true;
}

/**
 * Who may call a route, and what the server does around it: spread into its description, where the document says it and the
 * router sees to it. What is not read and not a platform's own traffic goes into the audit log.
 */
export function needs(scope: Scope, { starts, changesNothing }: Needed = {}) {
  const isChange = scope !== 'read' && scope !== 'publish' && changesNothing !== true;
  return {
    security: [{ apiKey: [scope] }],
    middleware: [requireScope(scope), ...(isChange ? [auditRest] : []), ...(starts === true ? [onceByKey] : [])],
    ...(starts === true ? { 'x-idempotency-key': true } : {}),
    ...(changesNothing === true ? { 'x-changes-nothing': true } : {}),
  };
}
