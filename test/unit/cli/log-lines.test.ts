import { describe, expect, test } from 'vitest';
import { LogFollower } from '../../../src/cli/log-lines.ts';

const gap = (bytes: number) => `\n… ${bytes} bytes left out …\n`;

describe('LogFollower', () => {
  test('gives each line once, when it is whole', () => {
    const follower = new LogFollower();
    expect(follower.add('one\ntw')).toEqual(['one']);
    expect(follower.add('one\ntwo\n')).toEqual(['two']);
    expect(follower.add('one\ntwo\n')).toEqual([]);
    expect(follower.end()).toEqual([]);
  });

  test('gives the last line at the end where it has no line end', () => {
    const follower = new LogFollower();
    expect(follower.add('half')).toEqual([]);
    expect(follower.end()).toEqual(['half']);
  });

  test('follows identical lines by counting, also when the middle goes', () => {
    const follower = new LogFollower();
    expect(follower.add('tick\ntick\n')).toEqual(['tick', 'tick']);
    expect(follower.add(`tick\ntick\n${gap(5)}tick\ntick\n`)).toEqual(['', '… 5 bytes left out …', 'tick', 'tick']);
    expect(follower.add(`tick\ntick\n${gap(10)}tick\ntick\n`)).toEqual(['tick']);
  });

  test('says how much it missed where more came than is kept', () => {
    const follower = new LogFollower();
    follower.add(`head\n${gap(10)}tail\n`);
    expect(follower.add(`head\n${gap(100)}tail\n`)).toEqual(['', '… 85 bytes left out …', 'tail']);
  });

  test('counts bytes, not characters', () => {
    const follower = new LogFollower();
    expect(follower.add('größe\n')).toEqual(['größe']);
    expect(follower.add('größe\nüber\n')).toEqual(['über']);
  });
});
