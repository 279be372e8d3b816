import { describe, expect, test } from 'vitest';
import { createLog, openLogDestination } from '../../src/observability/log.ts';

function logged(write: (log: ReturnType<typeof createLog>) => void): Record<string, unknown> {
  const lines: string[] = [];
  write(createLog({ level: 'info', process: 'test' }, { write: (line) => void lines.push(line) }));
  expect(lines).toHaveLength(1);
  return JSON.parse(lines[0] ?? '') as Record<string, unknown>;
}

describe('the log', () => {
  test('writes a line of JSON with level, time and process', () => {
    expect(logged((log) => log.info({ n: 1 }, 'hello'))).toEqual({
      level: 'info',
      time: expect.stringMatching(/^\d{4}-.*Z$/) as string,
      process: 'test',
      n: 1,
      msg: 'hello',
    });
  });

  test('hides secrets by name', () => {
    const line = logged((log) =>
      log.info({ apiKey: 's3', adminKey: 's3', headers: { authorization: 's3' }, config: { databaseUrl: 's3' } }, 'x'),
    );
    expect(JSON.stringify(line)).not.toContain('s3');
  });

  test('shows an error’s type, code, message and causes, and nothing else that hangs on it', () => {
    const cause = Object.assign(new Error('duplicate key'), { code: '23505', detail: 'Key (email)=(ada@example.com)' });
    const line = logged((log) => log.error({ err: new Error('could not save', { cause }) }, 'x'));
    expect(line).toMatchObject({
      err: { type: 'Error', message: 'could not save', cause: { code: '23505', message: 'duplicate key' } },
    });
    expect(JSON.stringify(line)).not.toContain('ada@example.com');
  });

  test('hides the password of an address in an error', () => {
    const line = logged((log) => log.error({ err: new Error('no answer from postgres://me:s3cret@db:5432/x') }, 'x'));
    expect(JSON.stringify(line)).not.toContain('s3cret');
    expect(JSON.stringify(line)).toContain('postgres://me:[hidden]@db:5432/x');
  });

  test('survives errors that cause each other, and things thrown that are no errors', () => {
    const one = new Error('one');
    one.cause = new Error('two', { cause: one });
    expect(logged((log) => log.error({ err: one }, 'x'))).toMatchObject({ err: { message: 'one' } });
    expect(logged((log) => log.error({ err: 'text' }, 'x'))).toMatchObject({ err: { message: 'text' } });
  });

  test('that cannot be written stops nobody', () => {
    const log = createLog({ level: 'info', process: 'test' }, openLogDestination('/dev/full'));
    expect(() => {
      for (let n = 0; n < 3; n += 1) log.error({ err: new Error('no space left on device') }, 'x');
    }).not.toThrow();
  });
});
