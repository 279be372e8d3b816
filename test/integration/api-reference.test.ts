import { Validator } from '@seriousme/openapi-schema-validator';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { createApiUnderTest, type ApiUnderTest } from './api-under-test.ts';
import { operationsOf } from './openapi-operations.ts';

let api: ApiUnderTest;
beforeAll(async () => {
  api = await createApiUnderTest('postgres');
});
afterAll(() => api.close());

const neverStarts = () => Promise.resolve({ duplicate: false });

describe('the description', () => {
  test('is valid OpenAPI 3.1', async () => {
    const { body } = await api.get('/openapi.json', null);
    const document = z.record(z.string(), z.unknown()).parse(body);
    expect(await new Validator().validate(document)).toMatchObject({ valid: true });
    expect(document).toMatchObject({
      openapi: '3.1.0',
      servers: [{ url: '/' }],
      components: {
        securitySchemes: {
          apiKey: { type: 'http', scheme: 'bearer' },
          syllableKey: { type: 'apiKey', in: 'header', name: 'Syllable-API-Key' },
        },
      },
    });
  });

  test('names every operation once, with a tag, a summary and what it answers', async () => {
    const operations = await operationsOf(api);
    const ids = operations.map(({ operationId }) => operationId);
    expect(new Set(ids).size).toBe(ids.length);
    for (const { operationId, tags, summary, answers } of operations) {
      expect(operationId).toMatch(/^(?:get|put|post|delete|patch)[A-Z]\w+$/);
      expect(tags, operationId).toHaveLength(1);
      expect(summary.length, operationId).toBeGreaterThan(5);
      for (const [status, { content, description }] of Object.entries(answers)) {
        expect(description.length, `${operationId} ${status}`).toBeGreaterThan(2);
        // What has a body says which.
        for (const [type, media] of Object.entries(content ?? {})) {
          expect(media.schema, `${operationId} ${status} ${type}`).toBeDefined();
        }
      }
    }
    expect(operations.find(({ operationId }) => operationId === 'putHandlersByName')?.path).toBe(
      '/api/v1/handlers/{name}',
    );
  });

  test('says of what needs a key which scope, both ways to send it, and the answers that it may have', async () => {
    for (const { operationId, path, scopes, security, answers } of await operationsOf(api)) {
      if (!path.startsWith('/api/')) {
        expect(scopes, operationId).toEqual([]);
        continue;
      }
      expect(scopes, operationId).toHaveLength(1);
      expect(security, operationId).toEqual([{ apiKey: scopes }, { syllableKey: scopes }]);
      expect(Object.keys(answers), operationId).toEqual(expect.arrayContaining(['401']));
    }
  });

  test('says which requests take an Idempotency-Key', async () => {
    const taking = (await operationsOf(api)).filter(({ takesIdempotencyKey }) => takesIdempotencyKey);
    expect(taking.map(({ operationId }) => operationId)).toEqual(
      expect.arrayContaining(['postConversationEvents', 'postTestRuns', 'postToolsByNameInvocations']),
    );
    for (const { method, answers } of taking) {
      expect(method).toBe('post');
      expect(Object.keys(answers)).toEqual(expect.arrayContaining(['409', '422']));
    }
  });
});

describe('the reference page', () => {
  test('is made of files of this server alone', async () => {
    const page = await api.app.request('/docs');
    expect(page.headers.get('content-type')).toContain('text/html');
    const html = await page.text();
    expect(html).not.toMatch(/https?:\/\//);
    const policy = page.headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self';");
    expect(policy).not.toContain('unsafe');
    for (const [, file = ''] of html.matchAll(/(?:src|href)="([^"]+)"/gu)) {
      const answer = await api.app.request(`/${file}`);
      expect(answer.status, file).toBe(200);
      expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
      expect((await answer.arrayBuffer()).byteLength, file).toBeGreaterThan(100);
    }
    expect((await api.app.request('/docs/package.json')).status).toBe(404);
  });
});

describe('a page of another origin', () => {
  const asked = { origin: 'https://dashboard.example.com', 'access-control-request-method': 'PUT' };
  const preflight = (app: ApiUnderTest['app']) =>
    app.request('/api/v1/handlers/x', { method: 'OPTIONS', headers: asked });

  test('may not read what the API answers', async () => {
    const answer = await preflight(api.app);
    expect(answer.headers.get('access-control-allow-origin')).toBeNull();
    const { headers } = await api.request('GET', '/api/v1/organization', { headers: asked });
    expect(headers.get('access-control-allow-origin')).toBeNull();
  });

  test('may where its origin is configured, and no other', async () => {
    const { app, request } = api.connect(neverStarts, { corsOrigins: [asked.origin] });
    const answer = await preflight(app);
    expect(answer.status).toBe(204);
    expect(answer.headers.get('access-control-allow-origin')).toBe(asked.origin);
    expect(answer.headers.get('access-control-allow-headers')).toContain('Idempotency-Key');
    expect(answer.headers.get('access-control-allow-credentials')).toBeNull();
    const { headers } = await request('GET', '/api/v1/organization', { headers: asked });
    expect(headers.get('access-control-allow-origin')).toBe(asked.origin);
    expect(headers.get('access-control-expose-headers')).toContain('Retry-After');
    const problem = await request('GET', '/api/v1/nowhere', { headers: asked });
    expect(problem.headers.get('access-control-allow-origin')).toBe(asked.origin);
    const other = await request('GET', '/api/v1/organization', { headers: { origin: 'https://evil.example.com' } });
    expect(other.headers.get('access-control-allow-origin')).toBeNull();
  });
});
