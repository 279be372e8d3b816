import { createMiddleware } from 'hono/factory';
import { secureHeaders } from 'hono/secure-headers';
import type { ApiEnvironment } from './environment.ts';
import { referencePath } from './reference-page.ts';

/** Nothing that the API answers is to be shown as a page, run or framed. */
const ofAnswers = secureHeaders({
  contentSecurityPolicy: {
    defaultSrc: ["'none'"],
    frameAncestors: ["'none'"],
    baseUri: ["'none'"],
    formAction: ["'none'"],
  },
  xFrameOptions: 'DENY',
});

/** The reference page runs its own files and asks this server alone; Swagger UI's pictures stand in its style sheet. */
const ofReference = secureHeaders({
  contentSecurityPolicy: {
    defaultSrc: ["'none'"],
    scriptSrc: ["'self'"],
    styleSrc: ["'self'"],
    imgSrc: ["'self'", 'data:'],
    connectSrc: ["'self'"],
    frameAncestors: ["'none'"],
    baseUri: ["'none'"],
    formAction: ["'none'"],
  },
  xFrameOptions: 'DENY',
});

export const securityHeaders = createMiddleware<ApiEnvironment>(async (c, next) => {
  const { path } = c.req;
  const isReference = path === referencePath || path.startsWith(`${referencePath}/`);
  await (isReference ? ofReference : ofAnswers)(c, next);
});

/** What pages of the origins allowed may send and read. Keys travel in headers: no cookies, so no credentials. */
export const corsAnswers = {
  allowMethods: ['GET', 'HEAD', 'PUT', 'POST', 'DELETE', 'PATCH'],
  allowHeaders: [
    ...['Authorization', 'Syllable-API-Key', 'Content-Type', 'Idempotency-Key', 'Last-Event-ID', 'X-Request-Id'],
  ],
  exposeHeaders: ['Location', 'Retry-After', 'RateLimit', 'RateLimit-Policy', 'X-Request-Id', 'Idempotency-Replayed'],
  maxAge: 600,
};
