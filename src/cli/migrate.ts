import { join } from 'node:path';
import type { Command } from 'commander';
import { AfterwordError } from '../domain/errors.ts';
import { openInvocation } from './environment.ts';
import type { CliEnvironment } from './environment.ts';
import { plural } from './text.ts';

export function addMigrateCommand(program: Command, environment: CliEnvironment): void {
  program
    .command('migrate')
    .description('bring the schema of the database in DATABASE_URL up to date')
    .addHelpText(
      'after',
      '\nSafe to run again and from several machines at once. `npm start` migrates its embedded store by itself.',
    )
    .action(async (_options: object, command: Command) => {
      const { output } = openInvocation(environment, command);
      const { databaseUrl, home } = environment.loadConfig();
      if (databaseUrl === undefined) {
        const detail =
          'DATABASE_URL is not set. Name the PostgreSQL database; the embedded store is migrated by npm start.';
        throw new AfterwordError('bad_configuration', detail);
      }
      const [{ openStore }, { migrate }] = await Promise.all([
        import('../store/database.ts'),
        import('../store/migrate.ts'),
      ]);
      const store = await openStore({ databaseUrl, embeddedFolder: join(home, 'store'), poolSize: 1 });
      try {
        const applied = await migrate(store);
        output.result({ applied }, () =>
          applied.length === 0
            ? 'The schema is up to date.'
            : `${plural(applied.length, 'migration')} applied: ${applied.join(', ')}`,
        );
      } finally {
        await store.close();
      }
    });
}
