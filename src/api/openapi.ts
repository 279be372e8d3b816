import { z } from 'zod';
import { JsonObject, JsonValue, NullableJsonObject } from '../contract/json.ts';
import type { Api } from './environment.ts';
import { finishDocument } from './openapi-operations.ts';

/** Any JSON is a schema that contains itself, which the generator follows for ever; these say the same in one line. */
z.globalRegistry.add(JsonValue, { type: ['object', 'array', 'string', 'number', 'boolean', 'null'] });
z.globalRegistry.add(JsonObject, { type: 'object', additionalProperties: true });
z.globalRegistry.add(NullableJsonObject, { type: ['object', 'null'], additionalProperties: true });

const description =
  'Durable, sandboxed handlers for conversation events. Every error answer is a problem (RFC 9457) with a stable `code`.';

const keyDescription = 'An API key. What a route needs of its scopes stands beside it.';

/** Serves /openapi.json, generated from the schemas that check the requests. */
export function serveDescription(app: Api): void {
  const { openAPIRegistry } = app;
  openAPIRegistry.registerComponent('securitySchemes', 'apiKey', {
    type: 'http',
    scheme: 'bearer',
    description: keyDescription,
  });
  openAPIRegistry.registerComponent('securitySchemes', 'syllableKey', {
    type: 'apiKey',
    in: 'header',
    name: 'Syllable-API-Key',
    description: 'The same key, in the header that Syllable’s clients send.',
  });
  const info = { title: 'Afterword', version: '1', description, license: { name: 'MIT', identifier: 'MIT' } };
  let document: object | undefined;
  app.get('/openapi.json', (c) => {
    document ??= finishDocument(app.getOpenAPI31Document({ openapi: '3.1.0', info, servers: [{ url: '/' }] }));
    return c.json(document);
  });
}
