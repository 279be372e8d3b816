import type { Command } from 'commander';
import type { Config } from '../config/config.ts';
import { createApiClient } from './api-client.ts';
import type { ApiClient } from './api-client.ts';
import { findEndpoint } from './endpoint.ts';
import { createOutput } from './output.ts';
import type { Output } from './output.ts';

/** What the process gives the command line; tests give their own. */
export interface CliEnvironment {
  readonly stdin: NodeJS.ReadableStream;
  readonly stdout: NodeJS.WritableStream;
  readonly stderr: NodeJS.WritableStream;
  /** Folder that file arguments are relative to. */
  readonly cwd: string;
  readonly version: string;
  /** Called by commands that need it only: --help works with a broken environment. */
  readonly loadConfig: () => Config;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
}

/** One call of one command. */
export interface Invocation {
  readonly environment: CliEnvironment;
  readonly output: Output;
  readonly urlOption: string | undefined;
  /** The server's API. Throws `server_unreachable` or `unauthorized` where URL or key cannot be found. */
  readonly api: () => ApiClient;
}

interface GlobalOptions {
  json?: true;
  url?: string;
}

export function openInvocation(environment: CliEnvironment, command: Command): Invocation {
  const { json, url } = command.optsWithGlobals<GlobalOptions>();
  return {
    environment,
    output: createOutput({ stdout: environment.stdout, stderr: environment.stderr, json: json === true }),
    urlOption: url,
    api: () => createApiClient({ ...findEndpoint(environment.loadConfig(), url), signal: environment.signal }),
  };
}
