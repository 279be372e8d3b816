import { randomUUID } from 'node:crypto';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { Document } from 'yaml';
import { HandlerName } from '../contract/handler.ts';
import type { HandlerVersion, HandlerWithCode } from '../contract/handler.ts';
import { AfterwordError } from '../domain/errors.ts';
import type { FieldError } from '../domain/errors.ts';
import { eventTypeNames } from '../domain/event-types.ts';
import { extensionOf, readCode } from './code-file.ts';
import { handlersFileName } from './handlers-file.ts';
import type { FolderHandler } from './handlers-file.ts';
import { faultsIn, readHandlersFile, settingsOf } from './handlers-folder.ts';

export interface ServerHandler {
  readonly handler: HandlerWithCode;
  /** All that the server has: a local file equal to one of them holds nothing that would be lost. */
  readonly versions: readonly HandlerVersion[];
}

export interface PulledHandler {
  readonly name: string;
  readonly file: string;
  readonly state: 'created' | 'updated' | 'unchanged';
}

/**
 * Writes the server's handlers into a folder, so that pushing it back changes nothing. Handlers that only the folder
 * has, comments, and files that are the same already stay. All or nothing: throws `local_changes` before it writes where
 * a file has edits that no version on the server has, unless `force`.
 */
export async function pullIntoFolder(
  folder: string,
  remote: readonly ServerHandler[],
  options: { force: boolean },
): Promise<PulledHandler[]> {
  const local = await readHandlersFile(folder);
  const entries = local?.handlers ?? [];
  const claimed = new Map(entries.map(({ file, name }) => [file, name]));
  const plans: Plan[] = [];
  for (const server of remote) plans.push(await planHandler(folder, entries, server, claimed));

  const outside = plans.flatMap(({ outsideFaults }) => outsideFaults);
  if (outside.length > 0) throw faultsIn(folder, outside);
  const conflicts = plans.flatMap((plan) => plan.conflicts);
  if (conflicts.length > 0 && !options.force) {
    throw new AfterwordError('local_changes', `Pulling would overwrite changes in ${folder}:`, { fields: conflicts });
  }
  for (const { file, code } of plans) if (code !== undefined) await writeWhole(join(folder, file), code);
  if (local === undefined || plans.some(({ settings }) => Object.keys(settings).length > 0)) {
    const document = local?.document ?? new Document({ handlers: [] });
    if (entries.length === 0) document.set('handlers', document.createNode([]));
    for (const plan of plans) applySettings(document, plan);
    await writeWhole(join(folder, handlersFileName), document.toString());
  }
  return plans.map(({ name, file, state }) => ({ name, file, state }));
}

type Settings = Partial<FolderHandler>;

interface Plan extends PulledHandler {
  /** Position in handlers.yaml; undefined for a handler that is new there. */
  readonly index: number | undefined;
  /** Undefined where the file is right already. */
  readonly code: string | undefined;
  /** Keys of the entry that change; all of them for a new one. */
  readonly settings: Settings;
  readonly conflicts: readonly FieldError[];
  /** Never written to, forced or not. */
  readonly outsideFaults: readonly FieldError[];
}

async function planHandler(
  folder: string,
  entries: readonly FolderHandler[],
  { handler, versions }: ServerHandler,
  claimed: Map<string, string>,
): Promise<Plan> {
  // A server's name becomes a file's name here.
  const name = HandlerName.parse(handler.name);
  const index = entries.findIndex((entry) => entry.name === name);
  const entry = entries[index];
  const file = chooseFile(entry, handler, claimed);
  const found = await readCode(folder, file);
  const settings = entry === undefined ? newEntry(handler, file) : changedSettings(entry, handler, file);
  const codeIsRight = 'text' in found && found.text === handler.code;
  const changed = !codeIsRight || Object.keys(settings).length > 0;
  return {
    name,
    file,
    index: index < 0 ? undefined : index,
    settings,
    code: codeIsRight ? undefined : handler.code,
    state: entry === undefined ? 'created' : changed ? 'updated' : 'unchanged',
    conflicts: [
      ...codeConflicts(file, found, versions),
      ...(entry === undefined ? [] : settingsConflicts(entry, settings, versions)),
    ],
    outsideFaults:
      'fault' in found && found.kind === 'outside'
        ? [{ field: `${handlersFileName}, ${file}`, message: found.fault }]
        : [],
  };
}

/** The entry's own file; a new one where another handler's entry names that file too, or the language is another now. */
function chooseFile(
  entry: FolderHandler | undefined,
  { name, language }: HandlerWithCode,
  claimed: Map<string, string>,
): string {
  const extension = extensionOf(language);
  if (entry !== undefined && claimed.get(entry.file) === name && entry.file.endsWith(extension)) return entry.file;
  let file = `${name}${extension}`;
  for (let n = 2; claimed.has(file); n += 1) file = `${name}-${n}${extension}`;
  claimed.set(file, name);
  return file;
}

/** The server says nothing of those that are not set. */
const optionalSettings = [
  'delaySeconds',
  'cancelOn',
  'tool',
  'globals',
  'constants',
  'secrets',
  'egress',
  'limits',
] as const;

function newEntry(handler: HandlerWithCode, file: string): Settings {
  const { name, enabled, settings } = handler;
  return { name, event: eventOf(handler), file, enabled, ...settings };
}

/** What an entry leaves out stays out where it means the same. */
function changedSettings(entry: FolderHandler, handler: HandlerWithCode, file: string): Settings {
  const event = eventOf(handler);
  return {
    ...(event === entry.event ? {} : { event }),
    ...(file === entry.file ? {} : { file }),
    ...(entry.enabled === undefined || entry.enabled === handler.enabled ? {} : { enabled: handler.enabled }),
    ...(settingsOf(entry).attempts === handler.settings.attempts ? {} : { attempts: handler.settings.attempts }),
    ...Object.fromEntries(
      optionalSettings
        .filter((key) => !isDeepStrictEqual(entry[key], handler.settings[key]))
        .map((key) => [key, handler.settings[key]]),
    ),
  };
}

function eventOf(handler: HandlerWithCode): FolderHandler['event'] {
  const event = eventTypeNames.find((type) => type === handler.eventType);
  if (event !== undefined) return event;
  throw new AfterwordError(
    'unknown_event_type',
    `The handler ${handler.name} is bound to ${handler.eventType}, which this version of the command line does not know.`,
  );
}

function codeConflicts(
  file: string,
  found: Awaited<ReturnType<typeof readCode>>,
  versions: readonly HandlerVersion[],
): FieldError[] {
  if ('fault' in found) return found.kind === 'content' ? [{ field: file, message: found.fault }] : [];
  if (versions.some(({ code }) => code === found.text)) return [];
  return [{ field: file, message: 'its text is that of no version on the server' }];
}

function settingsConflicts(entry: FolderHandler, changed: Settings, versions: readonly HandlerVersion[]): FieldError[] {
  const field = `${handlersFileName}, ${entry.name}`;
  const own = settingsOf(entry);
  const wasPushed = versions.some(({ settings }) => isDeepStrictEqual(settings, own));
  return [
    ...(changed.event === undefined ? [] : [{ field, message: `event is ${changed.event} on the server` }]),
    ...(changed.enabled === undefined ? [] : [{ field, message: `enabled is ${changed.enabled} on the server` }]),
    ...(changed.attempts === undefined || wasPushed
      ? []
      : [{ field, message: `attempts is ${changed.attempts} on the server` }]),
    ...optionalSettings
      .filter((key) => key in changed && !wasPushed)
      .map((key) => ({
        field,
        message: `${key} is ${changed[key] === undefined ? 'not set' : JSON.stringify(changed[key])} on the server`,
      })),
  ];
}

function applySettings(document: Document, { index, settings }: Plan): void {
  if (index === undefined) {
    document.addIn(['handlers'], document.createNode(settings));
    return;
  }
  for (const [key, value] of Object.entries(settings)) {
    const path = ['handlers', index, key];
    if (value === undefined) document.deleteIn(path);
    else document.setIn(path, value);
  }
}

/** Readers see the old file or the new one, never a part. */
async function writeWhole(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const draft = `${path}.${randomUUID()}.tmp`;
  await writeFile(draft, text);
  await rename(draft, path);
}
