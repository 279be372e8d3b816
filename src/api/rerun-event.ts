import type { RerunInput, StartedReruns } from '../contract/rerun.ts';
import { AfterwordError } from '../domain/errors.ts';
import { getEvent } from '../store/conversation-events.ts';
import { executionsOfEvent } from '../store/executions-of-event.ts';
import { createRerun } from '../store/reruns.ts';
import type { ApiDependencies } from './environment.ts';
import { type ApiContext, problemOf } from './problems.ts';

/**
 * Runs an event's own executions again, each as it would be by itself. Throws `event_not_found`, and where there is not one that
 * can be, what the first of them is refused for.
 */
export async function rerunEvent(
  c: ApiContext,
  { store, startRerunSoon, helperNames, log }: ApiDependencies,
  id: string,
  input: RerunInput,
): Promise<StartedReruns> {
  const organizationId = c.get('organizationId');
  await getEvent(store.db, organizationId, id);
  const items: StartedReruns['items'] = [];
  const refused: StartedReruns['refused'] = [];
  let first: AfterwordError | undefined;
  for (const executionId of await executionsOfEvent(store.db, organizationId, id)) {
    try {
      const created = await createRerun(store.db, organizationId, executionId, input, helperNames);
      await startRerunSoon(created);
      const { executionId: newId, workflowId, rerunOf, handlerVersion, answersFrom } = created;
      const { fresh } = input;
      items.push({ executionId: newId, workflowId, rerunOf, handlerVersion, fresh, answersFrom: [...answersFrom] });
    } catch (error) {
      if (!(error instanceof AfterwordError) || error.entry.kind !== 'conflict') throw error;
      first ??= error;
      refused.push({ executionId, problem: await problemOf(error, c, log) });
    }
  }
  if (items.length === 0 && first !== undefined) throw first;
  return { items, refused };
}
