/**
 * Who may import whom. A part of src lists the other parts it may use; `types` may be named in `import type` only.
 * Files directly in src are the entry points: they and the folders of the command line and the development stack may
 * import everything. What the workflow code reaches at run time: .dependency-cruiser.workflows.cjs.
 */
const parts = {
  config: { uses: ['domain'] },
  // The rules name the limits, statuses and event types; the schemas are made with them.
  contract: { uses: ['domain'], packages: ['zod'] },
  domain: { uses: [], types: ['contract'], packages: [] },
  workflows: {
    uses: ['domain', 'temporal/search-attributes'],
    types: ['contract', 'activities'],
    packages: ['@temporalio/workflow', '@temporalio/common'],
  },
  helpers: { uses: ['contract', 'domain'] },
  'handler-types': { uses: ['contract', 'domain', 'helpers', 'sandbox'] },
  llm: { uses: ['contract', 'domain'], types: ['helpers'] },
  google: { uses: ['contract', 'domain'], types: ['helpers'] },
  sandbox: { uses: ['contract', 'domain'] },
  analytics: { uses: ['contract', 'domain'] },
  secrets: { uses: ['contract', 'domain'], packages: [] },
  store: { uses: ['contract', 'domain'] },
  activities: {
    uses: [
      ...['helpers', 'sandbox', 'secrets', 'analytics', 'store', 'contract', 'domain', 'observability'],
      'workflows/signals-and-updates',
    ],
  },
  temporal: { uses: ['contract', 'domain', 'observability', 'workflows/signals-and-updates'], types: ['workflows'] },
  api: { uses: ['contract', 'domain', 'secrets', 'store', 'observability', 'client'] },
  relay: { uses: ['contract', 'domain', 'store', 'observability'], types: ['client'] },
  observability: { uses: ['domain'] },
};

/** Says where the package lies and reads nothing: any part may ask. */
const harmless = '^src/config/package-root\\.ts$';

const pattern = (name) => `^src/${name}(/|\\.ts$)`;
const packagePattern = (name) => `^node_modules/${name}/`;

const rulesOf = ([part, { uses, types = [], packages }]) => [
  {
    name: `${part}-imports`,
    comment: `src/${part} may import ${uses.join(', ') || 'no other part'}${types.length ? `; types of ${types}` : ''}.`,
    severity: 'error',
    from: { path: pattern(part) },
    to: { path: '^src/', pathNot: [harmless, ...[part, ...uses, ...types].map(pattern)] },
  },
  ...(types.length > 0
    ? [
        {
          name: `${part}-imports-types-only`,
          comment: `Of ${types.join(', ')} src/${part} may import types only: \`import type\`.`,
          severity: 'error',
          from: { path: pattern(part) },
          to: { path: types.map(pattern), pathNot: uses.map(pattern), dependencyTypesNot: ['type-only'] },
        },
      ]
    : []),
  ...(packages
    ? [
        {
          name: `${part}-packages`,
          comment: `src/${part} may use the packages ${packages.join(', ') || 'of nobody'}.`,
          severity: 'error',
          from: { path: pattern(part) },
          to: { path: '^node_modules/', pathNot: packages.map(packagePattern) },
        },
      ]
    : []),
];

module.exports = {
  forbidden: [
    ...Object.entries(parts).flatMap(rulesOf),
    {
      name: 'no-unknown-part',
      comment: 'A new folder in src needs a line in the table above.',
      severity: 'error',
      from: { path: '^src/[^/]+/', pathNot: [...Object.keys(parts), 'cli', 'dev'].map(pattern) },
      to: {},
    },
    {
      name: 'entry-points-are-not-imported',
      comment: 'Entry points read the configuration and start things; only the client is for others.',
      severity: 'error',
      from: { path: '^src/[^/]+/', pathNot: ['^src/cli/', '^src/dev/'] },
      to: { path: ['^src/[^/]+\\.ts$', '^src/(cli|dev)/'], pathNot: '^src/client\\.ts$' },
    },
    {
      name: 'helpers-do-not-know-each-other',
      comment: 'One file a helper: adding one is adding a file. Only the registry knows them all.',
      severity: 'error',
      from: { path: '^src/helpers/([^/]+)\\.ts$', pathNot: '^src/helpers/(registry|define-helper|helper)\\.ts$' },
      to: { path: '^src/helpers/registry\\.ts$' },
    },
    {
      name: 'sql-stays-in-the-store',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/store/' },
      to: { path: ['kysely', 'pg', '@electric-sql/pglite'].map(packagePattern) },
    },
    {
      name: 'temporal-stays-outside-the-rules',
      comment: 'Handlers, rules, schemas and the store know nothing of the engine.',
      severity: 'error',
      from: { path: '^src/(domain|contract|helpers|llm|google|sandbox|secrets|analytics|store|api)/' },
      to: { path: '^node_modules/@temporalio/' },
    },
    {
      name: 'googleapis-sheets-only',
      comment: 'The whole of googleapis costs 445 ms and 120 MB, its Sheets 55 ms and 27 MB.',
      severity: 'error',
      from: {},
      to: { path: '^node_modules/googleapis/', pathNot: '^node_modules/googleapis/build/src/apis/sheets/' },
    },
    {
      name: 'no-cycles',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'no-unresolvable',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'no-dev-dependencies',
      comment: 'Not there in production.',
      severity: 'error',
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'], dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'product-does-not-import-tests',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(test|bench|scripts|examples)/' },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
};
