import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { pythonWith } from './python-client.ts';

export interface SchemathesisOptions {
  /** Of the server. */
  readonly url: string;
  readonly key: string;
  readonly phases: readonly ('coverage' | 'fuzzing' | 'stateful')[];
  /** Requests made up for each route. */
  readonly maxExamples: number;
  /** The same number makes the same requests. */
  readonly seed: number;
}

/** It would take itself the key it works with; a stream goes on until its reader goes, and this one reads to the end. */
const leftOut = ['deleteApiKeysById', 'getExecutionsStream'];

/** What no answer may be, whatever was asked: a 5xx, or one that the description does not say. */
const checks = [
  'not_a_server_error',
  'response_schema_conformance',
  'content_type_conformance',
  'status_code_conformance',
];

const ExecError = z.object({ code: z.number(), stdout: z.string(), stderr: z.string() });

/** Makes requests of /openapi.json, good ones and bad ones, and judges the answers. Answers its report; '' where all held. */
export async function findFaults({ url, key, phases, maxExamples, seed }: SchemathesisOptions): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'afterword-schemathesis-'));
  const options = [
    ...[
      '--url',
      url,
      '--header',
      `Authorization: Bearer ${key}`,
      ...leftOut.flatMap((id) => ['--exclude-operation-id', id]),
    ],
    ...['--checks', checks.join(','), '--phases', phases.join(','), '--max-examples', String(maxExamples)],
    ...['--seed', String(seed), '--generation-deterministic', '--no-color'],
    // Which requests can be made of a schema is no matter of the server's.
    ...['--suppress-health-check', 'all', '--warnings', 'off', '--request-timeout', '60'],
  ];
  try {
    const run = ['-m', 'schemathesis.cli', 'run', `${url}/openapi.json`, ...options];
    await promisify(execFile)(pythonWith('schemathesis'), run, { cwd: folder, maxBuffer: 64 << 20 });
    return '';
  } catch (error) {
    const { stdout, stderr } = ExecError.parse(error);
    return `${stdout}\n${stderr}`;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
