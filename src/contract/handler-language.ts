import { z } from 'zod';

export const HandlerLanguage = z
  .enum(['python', 'typescript'])
  .meta({ id: 'HandlerLanguage', description: 'Belongs to a version: a handler may change its language.' });
export type HandlerLanguage = z.infer<typeof HandlerLanguage>;
