import { z } from 'zod';
import type { HandlerLanguage } from '../contract/handler-language.ts';

/** The `files` column: a handler's one file, whose name says its language. */
const Files = z.union([
  z
    .strictObject({ 'handler.py': z.string() })
    .transform((files) => ({ language: 'python' as const, code: files['handler.py'] })),
  z
    .strictObject({ 'handler.ts': z.string() })
    .transform((files) => ({ language: 'typescript' as const, code: files['handler.ts'] })),
]);

export interface HandlerFile {
  readonly language: HandlerLanguage;
  readonly code: string;
}

export function filesJsonOf({ language, code }: HandlerFile): string {
  return JSON.stringify({ [language === 'python' ? 'handler.py' : 'handler.ts']: code });
}

export function handlerFileOf(filesJson: string): HandlerFile {
  return Files.parse(JSON.parse(filesJson));
}
