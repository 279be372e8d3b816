import { describe, expect, it } from 'vitest';
import { AttemptLog } from '../../src/activities/attempt-log.ts';
import { limits } from '../../src/domain/limits.ts';
import type { LogChunk } from '../../src/store/execution-ledger/write-logs.ts';

const never = () => Promise.reject(new Error('not by itself'));
const texts = (chunks: readonly LogChunk[]) => chunks.map(({ stream, seq, text }) => [stream, seq, text]);

describe('the output of an attempt', () => {
  it('is written by itself, soon and once', async () => {
    const written: LogChunk[][] = [];
    const firstWrite = Promise.withResolvers<undefined>();
    const log = new AttemptLog((chunks) => {
      written.push(chunks);
      firstWrite.resolve(undefined);
      return Promise.resolve();
    });
    log.add('stdout', 'one');
    await firstWrite.promise;
    log.add('stderr', 'two');
    expect(texts(await log.drain())).toEqual([['stderr', 0, 'two']]);
    expect(written.map(texts)).toEqual([[['stdout', 0, 'one']]]);
  });

  it('stays whole when a write fails: the next one brings it', async () => {
    const log = new AttemptLog(never);
    log.add('stdout', 'one');
    await expect(log.writeWith(() => Promise.reject(new Error('the store is away')))).rejects.toThrow('away');
    log.add('stdout', 'two');
    const both = [
      ['stdout', 0, 'one'],
      ['stdout', 1, 'two'],
    ];
    expect(await log.writeWith((chunks) => Promise.resolve(texts(chunks)))).toEqual(both);
    expect(await log.drain()).toEqual([]);
  });

  it('tries again by itself after a failed write', async () => {
    let tries = 0;
    const secondTry = Promise.withResolvers<LogChunk[]>();
    const log = new AttemptLog((chunks) => {
      tries += 1;
      if (tries === 1) return Promise.reject(new Error('the store is away'));
      secondTry.resolve(chunks);
      return Promise.resolve();
    });
    log.add('stdout', 'one');
    expect(texts(await secondTry.promise)).toEqual([['stdout', 0, 'one']]);
    await log.drain();
  });

  it('has one tail, the newest, however many writes failed', async () => {
    const log = new AttemptLog(never);
    log.add('stdout', 'h'.repeat(limits.logKeptBytes / 2));
    for (const end of ['a', 'b']) {
      log.add('stdout', end);
      await expect(log.writeWith(() => Promise.reject(new Error('the store is away')))).rejects.toThrow('away');
    }
    expect(texts(await log.drain()).filter(([, seq]) => seq === -1)).toEqual([['stdout', -1, 'ab']]);
  });

  it('is written in order: a write waits for the one before', async () => {
    const log = new AttemptLog(never);
    const gate = Promise.withResolvers<undefined>();
    const order: string[] = [];
    log.add('stdout', 'one');
    const begun = Promise.withResolvers<undefined>();
    const first = log.writeWith(async () => {
      begun.resolve(undefined);
      await gate.promise;
      order.push('first');
    });
    await begun.promise;
    log.add('stdout', 'two');
    const second = log.writeWith((chunks) => {
      order.push(`second: ${texts(chunks).join()}`);
      return Promise.resolve();
    });
    gate.resolve(undefined);
    await Promise.all([first, second]);
    expect(order).toEqual(['first', 'second: stdout,1,two']);
  });
});
