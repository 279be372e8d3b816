import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { withLock as withLockIn } from '../../scripts/setup/lock.mjs';

const lockFolder = mkdtempSync(join(tmpdir(), 'afterword-lock-'));
const withLock = <Result>(name: string, work: () => Promise<Result>) => withLockIn(name, work, lockFolder);

afterAll(() => {
  rmSync(lockFolder, { recursive: true });
});

test('two set-ups that want the same thing work one after the other', async () => {
  const log: string[] = [];
  const work = (name: string) => async () => {
    log.push(`${name} begins`);
    await new Promise((resolve) => setTimeout(resolve, 50));
    log.push(`${name} ends`);
  };
  await Promise.all([withLock('one', work('first')), withLock('one', work('second'))]);
  expect(log).toHaveLength(4);
  expect(log[0]?.split(' ')[0]).toBe(log[1]?.split(' ')[0]);
  expect(readdirSync(lockFolder)).toEqual([]);
});

test('a lock whose process is gone is taken over', async () => {
  let file = '';
  await withLock('two', () => {
    file = readdirSync(lockFolder)[0] ?? '';
    return Promise.resolve();
  });
  const processThatIsGone = 2 ** 30;
  writeFileSync(join(lockFolder, file), `${hostname()} ${processThatIsGone}`);
  await expect(withLock('two', () => Promise.resolve('done'))).resolves.toBe('done');
});

test('a failure gives the lock back', async () => {
  await expect(withLock('three', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  await expect(withLock('three', () => Promise.resolve('done'))).resolves.toBe('done');
});
