import { defineConfig } from 'vitest/config';

/** What each folder of tests needs running, started once a run and only when one of its files is selected. */
const projects: { name: string; needs: readonly ('toolchain' | 'bundle' | 'postgres' | 'temporal')[] }[] = [
  { name: 'unit', needs: [] },
  { name: 'sandbox', needs: ['toolchain'] },
  { name: 'replay', needs: ['toolchain', 'bundle'] },
  { name: 'conformance', needs: ['toolchain', 'postgres', 'bundle', 'temporal'] },
  { name: 'integration', needs: ['toolchain', 'postgres', 'bundle', 'temporal'] },
  { name: 'e2e', needs: ['toolchain', 'postgres', 'bundle', 'temporal'] },
  { name: 'long', needs: ['toolchain', 'postgres', 'bundle', 'temporal'] },
];

export default defineConfig({
  test: {
    pool: 'forks',
    // Two shared cores: more workers only make every deadline tighter.
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    teardownTimeout: 20_000,
    passWithNoTests: true,
    projects: projects.map(({ name, needs }) => ({
      extends: true,
      test: {
        name,
        include: [`test/${name}/**/*.test.ts`],
        globalSetup: needs.map((part) => `test/setup/${part}.ts`),
      },
    })),
  },
});
