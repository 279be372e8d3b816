import { z } from 'zod';
import { limits } from '../domain/limits.ts';
import { EventType } from './conversation-event.ts';
import { HandlerName, HandlerSettings } from './handler.ts';
import { HandlerLanguage } from './handler-language.ts';

/** Code that is run once against a stored conversation, without any effect on it. */
export const TestRunInput = z
  .strictObject({
    conversation: z
      .string()
      .min(1)
      .max(limits.idCharacters)
      .meta({ description: 'Id or public id of a conversation that is stored.' }),
    eventType: EventType.optional().meta({ description: 'Left out: the type of the handler that is named.' }),
    code: z.string().min(1).optional().meta({ description: 'Left out: the current code of the handler.' }),
    language: HandlerLanguage.optional().meta({
      description: 'Of the code. Left out: that of the handler that is named, else Python.',
    }),
    handler: HandlerName.optional().meta({ description: 'Its code and settings, where none are given here.' }),
    settings: HandlerSettings.optional().meta({ description: 'Whatever `attempts` says, there is one.' }),
    actor: z.enum(['agent', 'bot', 'automation']).optional(),
    waitSeconds: z
      .number()
      .min(0)
      .max(limits.testRunWaitSeconds)
      .default(limits.defaultTestRunWaitSeconds)
      .meta({ description: 'How long the answer may take; then it is 202 and the run goes on.' }),
  })
  .refine(({ code, handler }) => code !== undefined || handler !== undefined, {
    path: ['code'],
    message: 'expected code, or the name of a handler',
  })
  .refine(({ eventType, handler }) => eventType !== undefined || handler !== undefined, {
    path: ['eventType'],
    message: 'expected the type of the event where no handler is named',
  })
  .meta({ id: 'TestRunInput' });
export type TestRunInput = z.infer<typeof TestRunInput>;
