import type { Call, Execution, ExecutionDetail, RelatedExecution } from '../contract/execution.ts';
import { isFinal } from '../domain/status.ts';
import type { Output } from './output.ts';
import { statusText } from './output.ts';
import { formatDuration, formatTime, indented, oneLine, plural, printable } from './text.ts';

/** One line an execution: what `executions` and `emit --wait` print. */
export function executionTable(
  output: Output,
  executions: readonly (Execution & { calls?: readonly Call[] })[],
): string {
  const withCalls = executions.some(({ calls }) => calls !== undefined);
  return output.table(
    [
      'HANDLER',
      'VERSION',
      'STATUS',
      'ATTEMPTS',
      'QUEUED',
      'RAN',
      ...(withCalls ? ['CALLS'] : ['WHEN', 'CONVERSATION']),
      'EXECUTION',
    ],
    executions.map((execution) => [
      oneLine(execution.handlerName),
      versionText(execution),
      `${statusText(output, execution)}${untilText(execution)}`,
      String(execution.attempts),
      formatDuration(execution.queueMs),
      formatDuration(execution.runMs),
      ...(withCalls
        ? [String(execution.calls?.length ?? 0)]
        : [formatTime(execution.queuedAt), oneLine(execution.conversationPublicId ?? '–', 40)]),
      execution.id,
    ]),
  );
}

const kindText = { event: 'an event', test: 'a test run', tool: 'the invocation of a tool' } as const;

/** Of one that waits for its time. */
function untilText({ status, runsAt }: Execution): string {
  const waits = status === 'waiting' && runsAt !== null && Date.parse(runsAt) > Date.now();
  return waits ? ` until ${formatTime(runsAt)}` : '';
}

function versionText({ handlerVersion }: Execution): string {
  return handlerVersion === null ? '–' : String(handlerVersion);
}

/** Everything about one execution. */
export function executionText(output: Output, execution: ExecutionDetail): string {
  const heading = (text: string) => output.style('bold', text);
  const facts: [string, string][] = [
    ['status', statusText(output, execution)],
    ['handler', `${execution.handlerName}, version ${versionText(execution)}`],
    ['event', `${execution.eventType}, ${execution.eventId ?? `none: ${kindText[execution.kind]}`}`],
    ['conversation', `${oneLine(execution.conversationPublicId ?? '–')}, ${execution.conversationId ?? '–'}`],
    ['queued at', formatTime(execution.queuedAt)],
    ...(execution.runsAt === null ? [] : ([['runs at', formatTime(execution.runsAt)]] satisfies [string, string][])),
    ['finished at', formatTime(execution.finishedAt)],
    ['in the queue', formatDuration(execution.queueMs)],
    ['running', formatDuration(execution.runMs)],
    ['workflow', execution.workflowId],
    ...relatedFacts(execution),
  ];
  const sections = [
    `${heading(`execution ${execution.id}`)}\n${facts.map(([name, value]) => `  ${name.padEnd(13)} ${value}`).join('\n')}`,
    ...errorSection(execution, heading),
    ...(execution.status === 'succeeded'
      ? [`${heading('result')}\n${indented(JSON.stringify(execution.result, null, 2))}`]
      : []),
    `${heading('attempts')}\n${indented(attemptTable(output, execution))}`,
    `${heading('calls')}\n${callsText(output, execution.calls)}`,
    ...analyticsSection(execution, heading),
    logSection(heading('stdout'), execution.stdout, execution),
    logSection(heading('stderr'), execution.stderr, execution),
  ];
  return sections.join('\n\n');
}

/** Nothing where it is no re-run and has none. */
function relatedFacts({ rerunOf, predecessors, successors }: ExecutionDetail): [string, string][] {
  const textOf = ({ id, status, sharesRecord }: RelatedExecution) =>
    `${id}, ${status}${sharesRecord ? '' : ', with a record of its own'}`;
  return [
    ...(rerunOf === null ? [] : [['re-run of', rerunOf] satisfies [string, string]]),
    ...predecessors.map((one): [string, string] => ['earlier', textOf(one)]),
    ...successors.map((one): [string, string] => ['later', textOf(one)]),
  ];
}

/** Why an execution did not succeed, with what it printed. */
export function failureText(output: Output, execution: ExecutionDetail): string {
  const heading = (text: string) => output.style('bold', text);
  const title = `${output.style('bold', `── ${execution.handlerName}`)}: ${statusText(output, execution)}, execution ${execution.id}`;
  return [
    title,
    ...errorSection(execution, heading),
    logSection(heading('stdout'), execution.stdout, execution),
    logSection(heading('stderr'), withoutTraceback(execution), execution),
  ].join('\n');
}

/** The traceback ends stderr too; here it stands in the error already. */
function withoutTraceback({ stderr, error }: ExecutionDetail): string {
  const traceback = error?.traceback.trimEnd() ?? '';
  const log = stderr.trimEnd();
  return traceback !== '' && log.endsWith(traceback) ? log.slice(0, -traceback.length) : stderr;
}

function errorSection(execution: Execution, heading: (text: string) => string): string[] {
  const { error } = execution;
  if (error === null) return [];
  const last = `${error.type}: ${error.message}`;
  const traceback = error.traceback.trimEnd();
  const body = traceback === '' ? last : traceback.endsWith(last) ? traceback : `${traceback}\n${last}`;
  return [`${heading('error')}\n${indented(printable(body))}`];
}

function logSection(heading: string, log: string, execution: Execution): string {
  if (log !== '') return `${heading}\n${indented(printable(log))}`;
  if (execution.status === 'waiting') return `${heading}  (the handler has not started yet)`;
  return `${heading}  (${isFinal(execution.status) ? 'nothing was printed' : 'nothing yet'})`;
}

function attemptTable(output: Output, execution: ExecutionDetail): string {
  if (execution.attemptLog.length === 0) {
    if (isFinal(execution.status)) return 'none';
    return `none yet: the execution waits${untilText(execution) || ' for a worker'}`;
  }
  return output.table(
    ['ATTEMPT', 'OUTCOME', 'STARTED', 'QUEUED', 'RAN', 'WORKER', 'ERROR'],
    execution.attemptLog.map((attempt) => [
      String(attempt.attempt),
      attempt.reason === null ? attempt.outcome : `${attempt.outcome} (${attempt.reason})`,
      formatTime(attempt.startedAt),
      formatDuration(attempt.queueMs),
      formatDuration(attempt.runMs),
      oneLine(attempt.worker, 40),
      attempt.error === null ? '' : oneLine(`${attempt.error.type}: ${attempt.error.message}`, 60),
    ]),
  );
}

function callsText(output: Output, calls: readonly Call[]): string {
  if (calls.length === 0) return '  none';
  return `  ${plural(calls.length, 'call')}\n${calls.map((call) => indented(callText(output, call))).join('\n')}`;
}

/** Nothing where the execution registered nothing. */
function analyticsSection({ analyticsEvents }: ExecutionDetail, heading: (text: string) => string): string[] {
  if (analyticsEvents.length === 0) return [];
  const lines = analyticsEvents.map(({ state, reason, registered, attempt }) => {
    const remark = reason === null ? '' : `: ${oneLine(reason, 200)}`;
    return `attempt ${attempt}  ${state}${remark}\n  ${oneLine(JSON.stringify(registered), 2_000)}`;
  });
  return [`${heading('analytics events')}\n${indented(lines.join('\n'))}`];
}

function answerUsedAgain({ attempt, lastAttempt, replayedFrom }: Call): string {
  if (replayedFrom !== null) return `made by execution ${replayedFrom}, its answer used again`;
  return lastAttempt > attempt ? `made in attempt ${attempt}, its answer used again` : '';
}

function callText(output: Output, call: Call): string {
  const remarks = [
    call.try > 1 ? `try ${call.try}` : '',
    answerUsedAgain(call),
    call.unreached ? 'not reached again by the newest attempt' : '',
  ].filter((remark) => remark !== '');
  const head = [
    `${formatTime(call.requestedAt)}  ${output.style('bold', call.name)} #${call.n}  ${call.state}`,
    formatDuration(call.durationMs),
    ...remarks,
  ].join(' · ');
  const error = call.error === null ? '' : `${call.error.code}: ${call.error.message}`;
  const given = JSON.stringify(call.answer);
  const withError = call.state === 'succeeded' ? `${given} (the fallback, for ${error})` : error;
  const answer = call.error === null ? given : withError;
  return [
    head,
    `  → ${oneLine(JSON.stringify(call.args), 2_000)}`,
    ...(call.state === 'intent' ? [] : [`  ← ${oneLine(answer, 2_000)}`]),
    ...(call.drift === null
      ? []
      : [
          `  arguments changed in a later ${call.replayedFrom === null ? 'attempt' : 'execution'}: ${oneLine(JSON.stringify(call.drift), 2_000)}`,
        ]),
  ].join('\n');
}
