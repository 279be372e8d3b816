import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

/** Compares our table with libseccomp's, for both architectures; prints what differs, or "no libseccomp". */
const compare = `
import ctypes, ctypes.util, json, sys
sys.path.insert(0, ${JSON.stringify(join(import.meta.dirname, '../../src/sandbox/python'))})
from afterword_cage.syscall_numbers import ARCHITECTURES, PERMITTED, PERMITTED_TO_DENO
from afterword_cage.seccomp import SeccompFilter, CONDITIONS, CONDITIONS_FOR_DENO
try:
    library = ctypes.CDLL("libseccomp.so.2")
except OSError:
    print(json.dumps("no libseccomp"))
    sys.exit()
tokens = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
resolve = library.seccomp_syscall_resolve_name_arch
resolve.argtypes = [ctypes.c_uint32, ctypes.c_char_p]
different = []
for name, numbers in PERMITTED_TO_DENO.items():
    for machine, column in ARCHITECTURES.items():
        theirs = resolve(tokens[machine], name.encode())
        if (theirs if theirs >= 0 else None) != numbers[column]:
            different.append([name, machine, numbers[column], theirs])
for machine in ARCHITECTURES:
    SeccompFilter(machine)
    SeccompFilter(machine, PERMITTED_TO_DENO, CONDITIONS_FOR_DENO)
print(json.dumps({"different": different, "unknown conditions": sorted(set(CONDITIONS) - set(PERMITTED))}))
`;

describe('the table of system calls', () => {
  it('agrees with libseccomp on both architectures, and a filter can be built for each', ({ skip }) => {
    const answer: unknown = JSON.parse(execFileSync('python3', ['-B', '-c', compare], { encoding: 'utf8' }));
    if (answer === 'no libseccomp') skip('libseccomp is not installed');
    expect(answer).toEqual({ different: [], 'unknown conditions': [] });
  });
});
