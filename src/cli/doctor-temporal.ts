import type { Config } from '../config/config.ts';
import type { Finding } from './doctor.ts';
import { localTemporalAddress } from './temporal-address.ts';

const answerWithinMs = 5_000;

/** Whether Temporal answers at the address that workers would use. */
export async function checkTemporal(config: Config): Promise<Finding[]> {
  const check = 'temporal';
  const { connectTemporal } = await import('../temporal/connection.ts');
  const address = localTemporalAddress(config);
  const temporal = connectTemporal(address === undefined ? {} : { address });
  const { client, namespace } = temporal;
  try {
    await client.withDeadline(Date.now() + answerWithinMs, () =>
      client.workflowService.describeNamespace({ namespace }),
    );
    return [{ check, state: 'ok', detail: `answers at ${temporal.address}, namespace ${namespace}`, mend: '' }];
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const detail = `no answer at ${temporal.address}, namespace ${namespace}: ${reason}`;
    return [{ check, state: 'fail', detail, mend: 'Start everything with `npm start`, or check TEMPORAL_ADDRESS.' }];
  } finally {
    await temporal.close();
  }
}
