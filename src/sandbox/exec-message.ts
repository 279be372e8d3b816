import type { SandboxProgram } from './sandbox.ts';

/** What the fork server must know before it forks: four little-endian 64-bit numbers. */
export function header(id: number, { limits }: SandboxProgram): Buffer {
  const bytes = Buffer.alloc(32);
  const numbers = [id, Math.ceil(limits.wallMs), Math.max(1, Math.ceil(limits.cpuSeconds)), limits.memoryBytes];
  numbers.forEach((number, index) => bytes.writeBigUInt64LE(BigInt(number), index * 8));
  return bytes;
}

/** The context follows it as `contextBytes` bytes of JSON. */
export function execMessage(program: SandboxProgram, contextBytes: number): string {
  const message = {
    t: 'exec',
    code: program.code,
    helpers: program.helpers.map(({ name, pythonParams, summary }) => ({ name, params: pythonParams, summary })),
    randomSeed: program.randomSeed,
    resultBytes: program.limits.resultBytes,
    contextBytes,
  };
  return `${JSON.stringify(message)}\n`;
}
