import type { Selectable } from 'kysely';
import { type Handler, HandlerSettings, type HandlerVersion } from '../contract/handler.ts';
import { HandlerLanguage } from '../contract/handler-language.ts';
import { handlerFileOf } from './handler-files.ts';
import type { HandlersTable, HandlerVersionsTable } from './tables.ts';

export type HandlerRow = Selectable<HandlersTable>;
export type HandlerVersionRow = Selectable<HandlerVersionsTable>;

export function settingsOf(settingsJson: string): HandlerSettings {
  return HandlerSettings.parse(JSON.parse(settingsJson));
}

export function toHandler(row: HandlerRow): Handler {
  return {
    id: row.id,
    name: row.name,
    eventType: row.event_type,
    language: HandlerLanguage.parse(row.language),
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
    ...handlerFileOf(row.files),
    settings: settingsOf(row.settings),
    note: row.note,
    createdAt: row.created_at.toISOString(),
    current: row.version === currentVersion,
  };
}
