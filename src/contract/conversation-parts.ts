import { z } from 'zod';
import { limits } from '../domain/limits.ts';
import { Message } from './conversation.ts';

/** Lengths count Unicode characters. */
function textOf(atLeast: number, atMost: number) {
  return z.string().refine(
    (text) => {
      const length = Array.from(text).length;
      return length >= atLeast && length <= atMost;
    },
    `must have ${String(atLeast)} to ${atMost.toLocaleString('en')} characters`,
  );
}

export const Tag = textOf(1, limits.tagCharacters);
export const MetadataKey = textOf(1, limits.metadataKeyCharacters);
export const MetadataInput = z
  .strictObject({ value: textOf(0, limits.metadataValueCharacters) })
  .meta({ id: 'MetadataInput' });

export const NewMessages = z.union([Message, z.array(Message).min(1).max(limits.conversationMessages)]);

export const AppendedMessages = z
  .object({
    id: z.string(),
    publicId: z.string(),
    added: z.number().int().meta({ description: 'Of the messages given, those that were new.' }),
    messageCount: z.number().int(),
  })
  .meta({ id: 'AppendedMessages' });

export const ErasedConversation = z
  .object({
    id: z.string(),
    erased: z
      .object({
        messages: z.number().int(),
        metadata: z.number().int(),
        tags: z.number().int(),
        timelineEvents: z.number().int(),
        events: z.number().int().meta({ description: 'Their contexts; their keys are kept.' }),
        executions: z.number().int().meta({ description: 'Their results and errors; status and times are kept.' }),
        calls: z.number().int(),
        replayedCalls: z.number().int(),
        logs: z.number().int(),
        directRuns: z.number().int(),
        testRunWrites: z.number().int(),
        analyticsEvents: z.number().int(),
        analyticsDeliveries: z.number().int(),
        keptAnswers: z.number().int().meta({ description: 'Of requests with an Idempotency-Key.' }),
      })
      .meta({ description: 'How many of each.' }),
  })
  .meta({ id: 'ErasedConversation' });
export type ErasedConversation = z.infer<typeof ErasedConversation>;
