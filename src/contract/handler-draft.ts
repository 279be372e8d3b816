import { z } from 'zod';
import { EventType } from './conversation-event.ts';
import { CheckedCode, HandlerSettings } from './handler.ts';
import { HandlerLanguage } from './handler-language.ts';

export const HandlerDraftInput = z
  .strictObject({
    eventType: EventType.optional().meta({ description: 'Of a new handler; one that is known keeps its own.' }),
    language: HandlerLanguage.default('python'),
    code: z.string().min(1),
    settings: HandlerSettings.prefault({}),
  })
  .meta({ id: 'HandlerDraftInput' });
export type HandlerDraftInput = z.infer<typeof HandlerDraftInput>;

/** Saved code and settings that do not run. */
export const HandlerDraft = z
  .object({
    name: z.string(),
    eventType: EventType,
    language: HandlerLanguage,
    code: z.string(),
    settings: HandlerSettings,
    baseVersion: z.number().int().nullable().meta({
      description: 'The version that was current when the draft was begun; null where there was no handler.',
    }),
    currentVersion: z.number().int().nullable().meta({
      description:
        'The version that is current now: another one than `baseVersion` means that somebody deployed meanwhile.',
    }),
    createdAt: z.string(),
    updatedAt: z.string(),
  })
  .meta({ id: 'HandlerDraft' });
export type HandlerDraft = z.infer<typeof HandlerDraft>;

export const SavedDraft = HandlerDraft.extend({ check: CheckedCode }).meta({ id: 'SavedHandlerDraft' });

export const DraftSummary = HandlerDraft.omit({ code: true, settings: true }).meta({ id: 'HandlerDraftSummary' });
export type DraftSummary = z.infer<typeof DraftSummary>;

const note = z.string().max(1_000).optional();
const expectedVersion = z.number().int().min(0).max(2_147_483_647).optional().meta({
  description: 'The version that the caller takes for the current one, 0 for a handler that is new: 409 for any other.',
});

export const DeployInput = z
  .strictObject({
    note,
    expectedVersion,
    enabled: z.boolean().optional().meta({ description: 'Left out: unchanged; a new handler is on.' }),
  })
  .meta({ id: 'DeployInput' });
export type DeployInput = z.infer<typeof DeployInput>;

const anySetting = Object.fromEntries(Object.keys(HandlerSettings.shape).map((name) => [name, z.unknown().optional()]));

export const SettingsChange = z
  .strictObject({
    settings: z
      .strictObject(anySetting)
      .meta({ type: 'object', description: 'What is named takes the place of what was; null takes it away.' }),
    note,
    expectedVersion,
  })
  .meta({ id: 'SettingsChange' });

export const HandlerDiff = z
  .object({
    from: z.string(),
    to: z.string(),
    code: z.string().meta({ description: 'Unified diff; empty where the code is the same.' }),
    settings: z.string().meta({ description: 'The same of the settings as JSON.' }),
  })
  .meta({ id: 'HandlerDiff' });
