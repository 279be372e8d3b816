import { z } from 'zod';
import type { Config } from '../config/config.ts';
import { cageLevels } from '../domain/cage-level.ts';
import { findKey, findUrl } from './endpoint.ts';
import type { Finding } from './doctor.ts';
import { send, sendForJson } from './http.ts';
import { reportOf } from './report-error.ts';

const answerWithinMs = 5_000;

const Readiness = z.object({
  status: z.string(),
  store: z.string(),
  temporal: z.string(),
  relay: z.string(),
  relayLagMs: z.number(),
  workers: z.int().nullable(),
  cage: z.enum(cageLevels).nullable(),
});
const Organization = z.object({ id: z.string(), name: z.string() });

/** Whether a server answers, is ready, and takes the key. */
export async function checkServer(
  config: Config,
  urlOption: string | undefined,
  signal: AbortSignal,
): Promise<Finding[]> {
  let url: string;
  try {
    url = findUrl(config, urlOption);
    await sendForJson({ method: 'GET', url: `${url}/healthz`, timeoutMs: answerWithinMs, signal }, z.object({}));
  } catch (error) {
    return [failed('server', error)];
  }
  return [
    { check: 'server', state: 'ok', detail: `answers at ${url}`, mend: '' },
    await checkReadiness(url, signal).catch((error: unknown) => failed('readiness', error)),
    await checkKey(config, url, signal).catch((error: unknown) => failed('api key', error)),
  ];
}

async function checkReadiness(url: string, signal: AbortSignal): Promise<Finding> {
  const check = 'readiness';
  const { status, text } = await send({ method: 'GET', url: `${url}/readyz`, timeoutMs: answerWithinMs, signal });
  const readiness = Readiness.safeParse(parseJson(text)).data;
  if (readiness === undefined) {
    return {
      check,
      state: 'fail',
      detail: `/readyz answered ${status}, not as Afterword does`,
      mend: 'Check the address.',
    };
  }
  const { workers, cage } = readiness;
  const ofWorkers = workers === null ? 'not known' : `${workers}${cage === null ? '' : ` (cage ${cage})`}`;
  const detail = `${readiness.status}: store ${readiness.store}, temporal ${readiness.temporal}, relay ${readiness.relay}, workers ${ofWorkers}`;
  if (readiness.store !== 'ok')
    return { check, state: 'fail', detail, mend: 'Start the database: events are refused.' };
  if (readiness.temporal !== 'ok') {
    return { check, state: 'fail', detail, mend: 'Start Temporal: events are accepted, but run only when it is back.' };
  }
  if (readiness.relay !== 'ok') {
    const waiting = `${Math.round(readiness.relayLagMs / 1_000)} s`;
    return {
      check,
      state: 'warn',
      detail,
      mend: `Accepted events have waited ${waiting} to be started; see the server’s log.`,
    };
  }
  if (workers === 0) return { check, state: 'fail', detail, mend: 'Start a worker: events are accepted, and wait.' };
  if (cage !== null && cage !== 'full') {
    const mend =
      'A worker does not have the whole cage: its log says at its start what is missing. See docs/sandbox.md.';
    return { check, state: cage === 'refused' ? 'fail' : 'warn', detail, mend };
  }
  return { check, state: 'ok', detail, mend: '' };
}

async function checkKey(config: Config, url: string, signal: AbortSignal): Promise<Finding> {
  const key = findKey(config, url);
  const request = { method: 'GET', url: `${url}/api/v1/organization`, key, timeoutMs: answerWithinMs, signal } as const;
  const { id } = await sendForJson(request, Organization);
  return { check: 'api key', state: 'ok', detail: `valid, organisation ${id}`, mend: '' };
}

function failed(check: string, error: unknown): Finding {
  const { message, mend } = reportOf(error);
  return { check, state: 'fail', detail: message, mend };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
