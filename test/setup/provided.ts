/** What set-up hands to tests: `inject('temporal')` and so on, in the projects of vitest.config.ts that need it. */
declare module 'vitest' {
  interface ProvidedContext {
    /** The handlers' Python; null where set-up found none. */
    python: string | null;
    /** Path of the workflow bundle, made from the sources as they are. */
    workflowBundle: string;
    /** A PostgreSQL server for this run; use test/setup/databases.ts. */
    postgres: { readonly serverUrl: string; readonly templateDatabase: string };
    /** Files of an embedded store with the schema; use test/setup/embedded-stores.ts. */
    embeddedTemplate: string;
    /** A Temporal development server for this run, with the limits of production; take a task queue of your own. */
    temporal: { readonly address: string; readonly namespace: string };
  }
}

export {};
