import { z } from 'zod';
import { JsonObject, JsonValue } from '../contract/json.ts';
import type { Api } from './environment.ts';

/** Any JSON is a schema that contains itself, which the generator follows for ever; these say the same in one line. */
z.globalRegistry.add(JsonValue, { type: ['object', 'array', 'string', 'number', 'boolean', 'null'] });
z.globalRegistry.add(JsonObject, { type: 'object', additionalProperties: true });

const description =
  'Durable, sandboxed handlers for conversation events. Every error answer is a problem (RFC 9457) with a stable `code`.';

/** Serves /openapi.json, generated from the schemas that check the requests. */
export function serveDescription(app: Api): void {
  app.openAPIRegistry.registerComponent('securitySchemes', 'apiKey', { type: 'http', scheme: 'bearer' });
  const info = { title: 'Afterword', version: '1', description };
  let document: ReturnType<Api['getOpenAPI31Document']> | undefined;
  app.get('/openapi.json', (c) => {
    document ??= app.getOpenAPI31Document({ openapi: '3.1.0', info });
    return c.json(document);
  });
}
