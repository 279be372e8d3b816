import type { Config } from '../config/config.ts';
import type { Finding } from './doctor.ts';
import { temporalTarget } from './local-temporal.ts';

const answerWithinMs = 3_000;

/** Whether Temporal answers at the address that workers would use. */
export async function checkTemporal(config: Config): Promise<Finding[]> {
  const check = 'temporal';
  const { connectTemporal } = await import('../temporal/connection.ts');
  const temporal = connectTemporal(temporalTarget(config));
  const { client, namespace } = temporal;
  try {
    await client.withDeadline(Date.now() + answerWithinMs, () =>
      client.workflowService.describeNamespace({ namespace }),
    );
    return [{ check, state: 'ok', detail: `answers at ${temporal.address}, namespace ${namespace}`, mend: '' }];
  } catch (error) {
    const detail = `no answer at ${temporal.address}, namespace ${namespace}: ${reasonOf(error)}`;
    return [{ check, state: 'fail', detail, mend: 'Start everything with `npm start`, or check TEMPORAL_ADDRESS.' }];
  } finally {
    await temporal.close();
  }
}

/** gRPC's own words for an address where nothing listens are a deadline and its inner steps. */
function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return /^4 |DEADLINE_EXCEEDED/.test(message) ? `nothing within ${answerWithinMs / 1_000} s` : message;
}
