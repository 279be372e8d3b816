import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';

/** Our table, and what libseccomp says of its names where it is installed. */
const ask = `
import ctypes, json, sys
sys.path.insert(0, ${JSON.stringify(join(import.meta.dirname, '../../src/sandbox/python'))})
from afterword_cage.syscall_numbers import ARCHITECTURES, PERMITTED, PERMITTED_TO_DENO
from afterword_cage.seccomp import CONDITIONS
try:
    resolve = ctypes.CDLL("libseccomp.so.2").seccomp_syscall_resolve_name_arch
    resolve.argtypes = [ctypes.c_uint32, ctypes.c_char_p]
    def numbers(name):
        return [n if n >= 0 else None for n in (resolve(token, name.encode()) for token in (0xC000003E, 0xC00000B7))]
    libseccomp = {name: numbers(name) for name in PERMITTED_TO_DENO}
except OSError:
    libseccomp = None
print(json.dumps({
    "architectures": ARCHITECTURES, "ours": PERMITTED_TO_DENO, "libseccomp": libseccomp,
    "unknown conditions": sorted(set(CONDITIONS) - set(PERMITTED)),
}))
`;
const Numbers = z.record(z.string(), z.tuple([z.int().nullable(), z.int().nullable()]));
const Answer = z.object({
  architectures: z.record(z.string(), z.int()),
  ours: Numbers,
  libseccomp: Numbers.nullable(),
  'unknown conditions': z.array(z.string()),
});

const answer = Answer.parse(JSON.parse(execFileSync('python3', ['-B', '-c', ask], { encoding: 'utf8' })));

describe('the filters made of it', () => {
  it('refuse all else on both architectures, and all of another one', () => {
    const args = ['-B', join(import.meta.dirname, 'fixtures/run_filters.py')];
    const faults = { 'x86_64 python': [], 'x86_64 deno': [], 'aarch64 python': [], 'aarch64 deno': [] };
    expect(JSON.parse(execFileSync('python3', args, { encoding: 'utf8' }))).toEqual(faults);
  });
});

describe('the table of system calls', () => {
  it('agrees with the headers of the kernel on both architectures', () => {
    const text = readFileSync(join(import.meta.dirname, 'fixtures/syscall-numbers.txt'), 'utf8');
    const rows = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    const theirs = Object.fromEntries(
      rows.map((line) => {
        const [name = '', ...numbers] = line.split(' ');
        return [name, numbers.map((number) => (number === '-' ? null : Number(number)))];
      }),
    );
    expect(Object.keys(answer.ours).length).toBeGreaterThan(90);
    expect(answer.ours).toEqual(Object.fromEntries(Object.keys(answer.ours).map((name) => [name, theirs[name]])));
    expect(answer.architectures).toEqual({ x86_64: 0, aarch64: 1 });
  });

  it('agrees with libseccomp too, where that is installed', () => {
    expect(answer.libseccomp ?? answer.ours).toEqual(answer.ours);
  });

  it('has every call that is allowed for some arguments only', () => {
    expect(answer['unknown conditions']).toEqual([]);
  });
});
