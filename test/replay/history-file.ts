import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { historyFromJSON, historyToJSON, type History } from '@temporalio/common/lib/proto-utils.js';
import { packageRoot } from '../../src/config/package-root.ts';
import { JsonValue } from '../../src/contract/json.ts';

const folder = join(packageRoot, 'test', 'replay', 'histories');

/** A recorded history as it is kept: what Temporal stores of one run, without what says where it was recorded. */
export interface RecordedHistory {
  readonly name: string;
  readonly workflowId: string;
  readonly history: History;
  /** The file's text with its payloads decoded, to be searched. */
  readonly text: string;
}

export function historyNames(): string[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.json'))
    .map((file) => file.slice(0, -'.json'.length))
    .sort();
}

export function hasHistory(name: string): boolean {
  return existsSync(fileOf(name));
}

export function readHistory(name: string): RecordedHistory {
  const json = JsonValue.parse(JSON.parse(readFileSync(fileOf(name), 'utf8')));
  const history = historyFromJSON(json);
  const workflowId = history.events?.[0]?.workflowExecutionStartedEventAttributes?.workflowId;
  if (!workflowId) throw new Error(`${fileOf(name)} does not begin with the start of a workflow`);
  return { name, workflowId, history, text: readableText(json) };
}

/** Never over an older one: that one shows what released workers may still be running. */
export function writeHistory(name: string, history: History): void {
  mkdirSync(folder, { recursive: true });
  const json = withoutOrigin(JsonValue.parse(JSON.parse(historyToJSON(history))));
  writeFileSync(fileOf(name), `${JSON.stringify(json, null, 1)}\n`, { flag: 'wx' });
}

/** All strings of a history, keys included, with the payloads as the text that they encode. */
function readableText(json: JsonValue): string {
  return JSON.stringify(json, (key, value: JsonValue) =>
    key === 'data' && typeof value === 'string' ? Buffer.from(value, 'base64').toString('utf8') : value,
  );
}

export function readableHistory(history: History): string {
  return readableText(JsonValue.parse(JSON.parse(historyToJSON(history))));
}

function fileOf(name: string): string {
  return join(folder, `${name}.json`);
}

/** Process ids, host names and paths of the machine it was recorded on: replay needs none of them. */
function withoutOrigin(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(withoutOrigin);
  if (value === null || typeof value !== 'object') return value;
  const kept = Object.entries(value).map(([key, inner]): [string, JsonValue] => {
    if (key === 'identity') return [key, 'recorder'];
    if (key === 'stackTrace') return [key, ''];
    if (key === 'name' && value.kind === 'TASK_QUEUE_KIND_STICKY') return [key, 'sticky'];
    return [key, withoutOrigin(inner)];
  });
  return Object.fromEntries(kept);
}
