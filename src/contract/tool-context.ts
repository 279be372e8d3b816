import { z } from 'zod';
import { JsonObject } from './json.ts';

/** The six namespaces of a tool's `Context`. */
export const ToolNamespaces = z.object({
  credentials: JsonObject,
  parameters: JsonObject,
  globals: JsonObject,
  contact: JsonObject,
  project: JsonObject,
  constants: JsonObject,
});
export type ToolNamespaces = z.infer<typeof ToolNamespaces>;

/** As they are kept while the invocation runs: credentials are sealed where there is a key. */
export const StoredToolNamespaces = ToolNamespaces.extend({ sealedCredentials: z.string().optional() });
export type StoredToolNamespaces = z.infer<typeof StoredToolNamespaces>;
