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
