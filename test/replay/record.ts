// Records the histories that replay.test.ts replays: npm run replay:record
// Those that are there are kept as they are: they stand for runs that released workers have begun.
import { createLog } from '../../src/observability/log.ts';
import { installTemporalRuntime } from '../../src/temporal/runtime.ts';
import { hasHistory, writeHistory } from './history-file.ts';
import { openScenario, startRecordingSystem, type RecordingSystem } from './recording-system.ts';
import type { Scenario } from './scenario-steps.ts';
import { scenarios } from './scenarios.ts';

const historiesOf = ({ name, histories = [name] }: Scenario) => histories;
const isMissing = (scenario: Scenario) => !historiesOf(scenario).every(hasHistory);

async function record(system: RecordingSystem, scenario: Scenario): Promise<void> {
  const own = await openScenario(system, scenario.name);
  try {
    const workflows = await scenario.record(own);
    for (const [name, workflowId] of Object.entries(workflows)) {
      if (hasHistory(name)) continue;
      writeHistory(name, await system.temporal.client.workflow.getHandle(workflowId).fetchHistory());
      console.log(`recorded  ${name}`);
    }
  } finally {
    await own.stop();
  }
}

for (const name of scenarios.flatMap(historiesOf).filter(hasHistory)) console.log(`kept      ${name}`);
const missing = scenarios.filter(isMissing);
if (missing.length > 0) {
  installTemporalRuntime(createLog({ level: 'silent', process: 'worker' }));
  const system = await startRecordingSystem();
  try {
    for (const scenario of missing) await record(system, scenario);
  } finally {
    await system.stop();
  }
}
