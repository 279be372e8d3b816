import { enableCompileCache, flushCompileCache } from 'node:module';
import { afterAll } from 'vitest';
import { compileCache } from './compile-cache.ts';

enableCompileCache(compileCache);
// The process of a test file is ended before it would write what it has compiled.
afterAll(() => {
  flushCompileCache();
});
