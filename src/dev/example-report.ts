import { statusText } from '../cli/output.ts';
import type { Output } from '../cli/output.ts';
import { formatDuration, indented, oneLine } from '../cli/text.ts';
import type { AnalyticsEvent } from '../contract/analytics.ts';
import type { Call, ExecutionDetail } from '../contract/execution.ts';
import { isRequestName } from '../domain/recorded-calls.ts';
import type { JsonValue } from '../contract/json.ts';
import type { ExampleRun } from './example-run.ts';
import { exampleSpreadsheet, type StandIns } from './parts/stand-ins-part.ts';

const shownArgumentCharacters = 40;
const shownBodyCharacters = 70;

/** For each event what its handlers did, and where Temporal shows it. */
export function exampleReport(output: Output, runs: readonly ExampleRun[], workflowUrl: (run: ExampleRun) => string) {
  const texts = runs.map((run) => {
    const conversation = 'conversation' in run.event ? run.event.conversation : undefined;
    const about = conversation === undefined ? '' : `: ${conversation.publicId}, “${oneLine(conversation.subject)}”`;
    const rows = run.executions.map((execution) => row(output, execution));
    return [
      `${output.style('bold', run.event.type)}${about}`,
      indented(output.table(['HANDLER', 'STATUS', 'TIME', 'CALLS AND EVENTS'], rows)),
      output.style('dim', `  ${workflowUrl(run)}`),
    ].join('\n');
  });
  return texts.join('\n\n');
}

/** What the example handlers sent, as it came to the stand-ins. */
export function arrivedReport(output: Output, { receiver, google }: Pick<StandIns, 'receiver' | 'google'>): string {
  const requests = receiver
    .arrived()
    .map(({ method, target, body }) => [`${method} ${target}`, oneLine(body, shownBodyCharacters)]);
  const rows = (google?.rows(exampleSpreadsheet) ?? []).map((cells) => [
    `row of the sheet ${exampleSpreadsheet}`,
    oneLine(cells.join(' | '), shownBodyCharacters),
  ]);
  return indented(output.table(['WHERE', 'WHAT'], [...requests, ...rows]));
}

function row(output: Output, execution: ExecutionDetail): string[] {
  return [
    execution.handlerName,
    statusText(output, execution),
    formatDuration(execution.runMs),
    execution.error === null
      ? [...execution.calls.map(callText), ...execution.analyticsEvents.map(eventText)].join('\n')
      : oneLine(`${execution.error.type}: ${execution.error.message}`, 60),
  ];
}

/** `add_conversation_tag "resolved"`: the helper and its first argument, or the request and its answer. */
function callText({ name, args, answer }: Call): string {
  if (isRequestName(name)) {
    const status = typeof answer === 'object' && answer !== null && 'status' in answer ? answer.status : undefined;
    return typeof status === 'number' ? `${name} ${status}` : name;
  }
  const [first] = typeof args === 'object' && args !== null && !Array.isArray(args) ? Object.values(args) : [];
  return first === undefined ? name : `${name} ${argumentText(first)}`;
}

/** `conversation_classification "resolved" delivered`: what was registered, and what has become of it. */
function eventText({ event, state, deliveries }: AnalyticsEvent): string {
  const became = deliveries.map((delivery) => delivery.state).join(', ');
  return event === null ? state : `${event.key} ${argumentText(event.value)} ${became}`;
}

function argumentText(value: JsonValue): string {
  const description = typeof value === 'object' && value !== null && 'description' in value ? value.description : value;
  return oneLine(JSON.stringify(description), shownArgumentCharacters);
}

/** The workflow's page in Temporal's Web UI. */
export function workflowPage(uiUrl: string, namespace: string, { published }: ExampleRun): string {
  const { workflowId, runId } = published;
  return `${uiUrl}/namespaces/${namespace}/workflows/${encodeURIComponent(workflowId)}/${runId}`;
}
