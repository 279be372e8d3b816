import { setTimeout as pause } from 'node:timers/promises';
import type { ScenarioSystem } from './recording-system.ts';

/** One path through the workflows. A path that is added gets a scenario; recorded histories are never changed. */
export interface Scenario {
  readonly name: string;
  /** Brings the path about and answers the ids of its workflows by the name that each history gets. */
  record(system: ScenarioSystem): Promise<Record<string, string>>;
  /** Names of its histories, where there are more than one. */
  readonly histories?: readonly string[];
}

/** More than one workflow runs. */
export async function pushTwelve(system: ScenarioSystem, code: string): Promise<void> {
  for (let number = 1; number <= 12; number += 1) {
    await system.push(`handler-${String(number).padStart(2, '0')}`, code);
  }
}

export async function begin(system: ScenarioSystem): Promise<string> {
  await system.startWorkers();
  return publish(system);
}

/** As the API does. */
export async function publish(system: ScenarioSystem): Promise<string> {
  return system.start(await system.accept());
}

export async function settled(
  system: ScenarioSystem,
  name: string,
  workflowId: string,
): Promise<Record<string, string>> {
  await system.client.result(workflowId).catch(() => undefined);
  return { [name]: workflowId };
}

export async function executionsBecome({ store, organization }: ScenarioSystem, wanted: string[]): Promise<void> {
  await until(async () => {
    const executions = await store.db
      .selectFrom('executions')
      .select('status')
      .where('organization_id', '=', organization)
      .execute();
    return JSON.stringify(executions.map(({ status }) => status).sort()) === JSON.stringify(wanted);
  });
}

export async function until(condition: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error('the scenario did not come to where it should');
    await pause(50);
  }
}
