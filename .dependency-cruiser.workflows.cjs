/**
 * What workflow code reaches at run time. It is replayed: whatever it loads must be deterministic, and each cached
 * workflow holds a copy. The bundler refuses node:fs but lets zod through (+1 MB); this does not.
 * Types are gone here (tsPreCompilationDeps: false); .dependency-cruiser.cjs has the rules for them.
 */
const { options } = require('./.dependency-cruiser.cjs');

module.exports = {
  forbidden: [
    {
      name: 'workflows-reach',
      comment: 'Workflow code may load the SDK for workflows, src/domain and the names of the search attributes.',
      severity: 'error',
      from: { path: '^src/workflows/' },
      to: {
        reachable: true,
        pathNot: [
          '^src/(workflows|domain)/',
          '^src/temporal/search-attributes\\.ts$',
          '^node_modules/@temporalio/(workflow|common)/',
        ],
      },
    },
  ],
  options: { ...options, tsPreCompilationDeps: false },
};
