import type { Api } from './environment.ts';

type Document = ReturnType<Api['getOpenAPI31Document']>;
type PathItem = NonNullable<Document['paths']>[string];
type Operation = NonNullable<PathItem['get']>;
type Responses = NonNullable<Operation['responses']>;

const methods = ['get', 'put', 'post', 'delete', 'patch'] as const;

/** What is the same for all routes, so that none has to say it: names, the other way to send the key, answers of the middleware. */
export function finishDocument(document: Document): Document {
  const tags = new Set<string>();
  for (const [path, item] of Object.entries(document.paths ?? {})) {
    for (const method of methods) {
      const operation = item[method];
      if (operation === undefined) continue;
      for (const tag of operation.tags ?? []) tags.add(tag);
      item[method] = finished(operation, method, path);
    }
  }
  return withPlainPatterns({ ...document, tags: [...tags].map((name) => ({ name })) });
}

/** JSON Schema knows no flags behind a pattern; the generator writes them there: `^[A-Z]+$/u`. */
function withPlainPatterns(document: Document): Document {
  const plain = (key: string, value: unknown) =>
    key === 'pattern' && typeof value === 'string' ? value.replace(/(?<=\$)\/[dgimsuvy]+$/u, '') : value;
  return JSON.parse(JSON.stringify(document), plain) as Document;
}

function finished(operation: Operation, method: (typeof methods)[number], path: string): Operation {
  const { security = [], responses = {}, parameters = [] } = operation;
  const scopes = security.flatMap((requirement) => requirement.apiKey ?? []);
  const takesKey = operation['x-idempotency-key'] === true;
  const syllable = scopes.length > 0 ? [{ syllableKey: scopes }] : [];
  return {
    ...operation,
    operationId: operation.operationId ?? operationIdOf(method, path),
    security: [...security, ...syllable],
    ...(takesKey ? { parameters: [...parameters, idempotencyKey] } : {}),
    responses: { ...answersOfMiddleware(operation, { hasScope: scopes.length > 0, takesKey }), ...responses },
  };
}

/** `putHandlersByName`: from method and path, so that it stays as long as they do. */
function operationIdOf(method: string, path: string): string {
  const slash = path.endsWith('/') ? 'Slash' : '';
  const words = path
    .replace(/^\/api\/v1/u, '')
    .split(/[/\-.]/u)
    .filter((part) => part !== '')
    .map((part) => (part.startsWith('{') ? `by-${part.slice(1, -1)}` : part))
    .flatMap((part) => part.split('-'));
  return method + words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('') + slash;
}

const idempotencyKey = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  description: 'The same request with the same key within 24 hours gets the first answer again, and starts nothing.',
  schema: { type: 'string', minLength: 1, maxLength: 255 },
} as const;

/** Only where errors are problems: Syllable's route has a shape of its own. */
function answersOfMiddleware(
  { responses = {}, requestBody }: Operation,
  { hasScope, takesKey }: { hasScope: boolean; takesKey: boolean },
): Responses {
  if (!('default' in responses) || !JSON.stringify(responses.default).includes('schemas/Problem')) return {};
  const problems: Record<string, string> = {
    400: 'The request is not valid; `errors` names the fields.',
    ...(hasScope ? { 401: 'No valid API key.', 403: 'The key lacks the scope.', 429: 'Too many requests.' } : {}),
    ...(requestBody === undefined ? {} : { 413: 'The body is too large.' }),
    ...(takesKey
      ? { 409: 'It does not fit what there is.', 422: 'The Idempotency-Key was used for another request.' }
      : {}),
    503: 'The store is away; send it again.',
  };
  const content = { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } };
  return Object.fromEntries(
    Object.entries(problems).map(([status, description]) => [status, { description, content }]),
  );
}
