import { accessSync, constants } from 'node:fs';
import { AfterwordError } from '../domain/errors.ts';

/** The configured CLI. Throws `temporal_cli_missing` where there is none that could be run. */
export function requireTemporalCli(cliPath: string | null): string {
  if (cliPath === null) {
    throw new AfterwordError('temporal_cli_missing', 'No Temporal CLI was found when the project was set up.');
  }
  try {
    accessSync(cliPath, constants.X_OK);
    return cliPath;
  } catch (cause) {
    throw new AfterwordError('temporal_cli_missing', `The Temporal CLI ${cliPath} cannot be run.`, { cause });
  }
}
