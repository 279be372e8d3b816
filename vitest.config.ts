import { defineConfig } from 'vitest/config';

/** Started once a run, and only when a test that needs them is selected: `vitest run test/unit` starts nothing. */
const toolchain = 'test/setup/toolchain.ts';
const bundle = 'test/setup/bundle.ts';
const servers = 'test/setup/servers.ts';
/** Temporal is the test's own: the real server on PostgreSQL. */
const postgres = 'test/setup/postgres.ts';

const folders: Record<string, readonly string[]> = {
  unit: [],
  sandbox: [toolchain],
  replay: [bundle],
  conformance: [toolchain, servers],
  integration: [toolchain, servers],
  e2e: [toolchain, servers],
  cluster: [toolchain, bundle, postgres],
  long: [toolchain, servers],
};

export default defineConfig({
  test: {
    pool: 'forks',
    setupFiles: ['test/setup/use-compile-cache.ts'],
    // Two shared cores: more workers only make every deadline tighter.
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    teardownTimeout: 20_000,
    // Node itself reads our TypeScript, as it does outside of tests, and in half the time.
    experimental: { viteModuleRunner: false },
    projects: Object.entries(folders).map(([name, globalSetup]) => ({
      extends: true,
      // What a unit has imported the next file need not import again: half of the time of them all.
      test: { name, include: [`test/${name}/**/*.test.ts`], globalSetup: [...globalSetup], isolate: name !== 'unit' },
    })),
  },
});
