import type { SandboxLimits, SandboxProgram } from './sandbox.ts';

/** Never nothing: a handler that comes late is started and stopped like any other that does not finish. */
export function wallMsLeft({ wallMs, spentMs = 0 }: SandboxLimits): number {
  return Math.max(1, Math.ceil(wallMs - spentMs));
}

/** What the fork server must know before it forks: four little-endian 64-bit numbers. */
export function header(id: number, { limits }: SandboxProgram): Buffer {
  const bytes = Buffer.alloc(32);
  const numbers = [id, wallMsLeft(limits), Math.max(1, Math.ceil(limits.cpuSeconds)), limits.memoryBytes];
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
    callBytes: program.limits.callBytes,
    events: program.limits.events,
    eventBytes: program.limits.eventBytes,
    tool: program.tool,
    requestBytes: program.limits.requestBytes,
    requestHeadBytes: program.limits.requestHeadBytes,
    contextBytes,
  };
  return `${JSON.stringify(message)}\n`;
}
