import { renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { Config } from '../config/config.ts';
import { createLog, openLogDestination } from '../observability/log.ts';
import type { Log } from '../observability/log.ts';

const rotateAtBytes = 20 * 1024 * 1024;
const repeatAfterMs = 60_000;

const ErrorLine = z.object({
  level: z.enum(['error', 'fatal']),
  msg: z.string().default(''),
  err: z.object({ message: z.string() }).optional(),
});

export function logPath(home: string): string {
  return join(home, 'afterword.log');
}

export function temporalLogPath(home: string): string {
  return join(home, 'temporal.log');
}

/**
 * The log in `home`; of its errors `onError` gets a sentence each, the same one at most once a minute.
 * A file over 20 MB is set aside as `<name>.1` when the program starts.
 */
export function openLogFile(
  { home, logLevel }: Pick<Config, 'home' | 'logLevel'>,
  onError: (sentence: string) => void,
): Log {
  for (const file of [logPath(home), temporalLogPath(home)]) setAside(file);
  const file = openLogDestination(logPath(home));
  const shownAt = new Map<string, number>();
  const show = (sentence: string) => {
    const now = Date.now();
    if (now - (shownAt.get(sentence) ?? 0) < repeatAfterMs) return;
    shownAt.set(sentence, now);
    onError(sentence);
  };
  return createLog(
    { level: logLevel, process: 'dev' },
    {
      write(line) {
        file.write(line);
        const sentence = errorSentence(line);
        if (sentence !== undefined) show(sentence);
      },
    },
  );
}

function errorSentence(line: string): string | undefined {
  if (!line.includes('"level":"error"') && !line.includes('"level":"fatal"')) return undefined;
  const parsed = ErrorLine.safeParse(JSON.parse(line)).data;
  if (parsed === undefined) return undefined;
  return parsed.err === undefined ? parsed.msg : `${parsed.msg}: ${parsed.err.message}`;
}

function setAside(file: string): void {
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  if (size > rotateAtBytes) renameSync(file, `${file}.1`);
}
