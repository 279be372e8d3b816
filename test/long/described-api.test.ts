import { afterAll, beforeAll, expect, it } from 'vitest';
import { startApi, type TestApi } from '../setup/api.ts';
import { numberFromEnvironment } from '../setup/number-from-environment.ts';
import { findFaults } from '../setup/schemathesis.ts';
import { startSystem, type TestSystem } from '../setup/system.ts';

/** Another one each day, and known when it fails: AFTERWORD_TEST_SEED makes the same requests again. */
const seed = numberFromEnvironment('AFTERWORD_TEST_SEED', Math.floor(Date.now() / 86_400_000));

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

it('holds for 10,000 requests what its description says', { timeout: 3_600_000 }, async () => {
  const { url, key } = api;
  const phases = ['coverage', 'fuzzing', 'stateful'] as const;
  expect(await findFaults({ url, key, phases, maxExamples: 100, seed }), `seed ${String(seed)}`).toBe('');
});
