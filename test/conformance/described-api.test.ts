import { afterAll, beforeAll, expect, it } from 'vitest';
import { startApi, type TestApi } from '../setup/api.ts';
import { findFaults } from '../setup/schemathesis.ts';
import { startSystem, type TestSystem } from '../setup/system.ts';

let system: TestSystem;
let api: TestApi;
beforeAll(async () => {
  system = await startSystem();
  api = await startApi(system);
});
afterAll(async () => {
  await api.stop();
  await system.stop();
});

it('answers whatever can be made of its description as the description says, and never with our own failure', async () => {
  const { url, key } = api;
  expect(await findFaults({ url, key, phases: ['fuzzing'], maxExamples: 10, seed: 1 })).toBe('');
}, 300_000);
