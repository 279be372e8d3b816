import type { Selectable } from 'kysely';
import { z } from 'zod';
import { type Handler, HandlerSettings, type HandlerVersion } from '../contract/handler.ts';
import type { HandlersTable, HandlerVersionsTable } from './tables.ts';

export type HandlerRow = Selectable<HandlersTable>;
export type HandlerVersionRow = Selectable<HandlerVersionsTable>;

const Files = z.object({ 'handler.py': z.string() });

/** The `files` column of a handler of one file. */
export function filesJsonOf(code: string): string {
  return JSON.stringify({ 'handler.py': code } satisfies z.infer<typeof Files>);
}

export function codeOf(filesJson: string): string {
  return Files.parse(JSON.parse(filesJson))['handler.py'];
}

export function settingsOf(settingsJson: string): HandlerSettings {
  return HandlerSettings.parse(JSON.parse(settingsJson));
}

export function toHandler(row: HandlerRow): Handler {
  return {
    id: row.id,
    name: row.name,
    eventType: row.event_type,
    language: row.language,
    enabled: row.enabled,
    version: row.current_version,
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
  };
}

export function toHandlerVersion(row: HandlerVersionRow, currentVersion: number): HandlerVersion {
  return {
    id: row.id,
    version: row.version,
    code: codeOf(row.files),
    settings: settingsOf(row.settings),
    note: row.note,
    createdAt: row.created_at.toISOString(),
    current: row.version === currentVersion,
  };
}
