import { limits as domainLimits } from '../domain/limits.ts';
import type { SandboxLimits, SandboxProgram } from './sandbox.ts';
import { describeForTypeScript } from './typescript/helper-description.ts';
import type { PreparedHandler } from './typescript/prepare-handler.ts';

/** Of a handler in TypeScript. */
export function requestsInFlightOf({ requestsInFlight = domainLimits.requestsInFlight }: SandboxProgram): number {
  return requestsInFlight;
}

/** Never nothing: a handler that comes late is started and stopped like any other that does not finish. */
export function wallMsLeft({ wallMs, spentMs = 0 }: SandboxLimits): number {
  return Math.max(1, Math.ceil(wallMs - spentMs));
}

export type Runtime = 'python' | 'deno';

/** What the fork server must know before it forks: four little-endian 64-bit numbers. */
export function header(id: number, limits: SandboxLimits, wallMs: number): Buffer {
  const bytes = Buffer.alloc(32);
  const cpuSeconds = Math.max(1, Math.ceil(limits.cpuSeconds));
  const numbers = [id, wallMs, cpuSeconds, limits.memoryBytes];
  numbers.forEach((number, index) => bytes.writeBigUInt64LE(BigInt(number), index * 8));
  return bytes;
}

/** What it must know of a process that was started ahead, when its handler has come: two such numbers. */
export function beginning(id: number, wallMs: number): Buffer {
  const bytes = Buffer.alloc(16);
  [id, wallMs].forEach((number, index) => bytes.writeBigUInt64LE(BigInt(number), index * 8));
  return bytes;
}

/** The context follows it as `contextBytes` bytes of JSON. */
export function pythonExecMessage(program: SandboxProgram, contextBytes: number): string {
  return lineOf(program, contextBytes, {
    code: program.code,
    helpers: program.helpers.map(({ name, pythonParams, summary }) => ({ name, params: pythonParams, summary })),
    tool: program.tool,
  });
}

function lineOf({ randomSeed, limits }: SandboxProgram, contextBytes: number, ofLanguage: object): string {
  const message = {
    t: 'exec',
    ...ofLanguage,
    randomSeed,
    resultBytes: limits.resultBytes,
    callBytes: limits.callBytes,
    events: limits.events,
    eventBytes: limits.eventBytes,
    requestBytes: limits.requestBytes,
    requestHeadBytes: limits.requestHeadBytes,
    contextBytes,
  };
  return `${JSON.stringify(message)}\n`;
}

/** The same for Deno, with what was made of the handler's text. */
export function denoExecMessage(program: SandboxProgram, handler: PreparedHandler, contextBytes: number): string {
  return lineOf(program, contextBytes, {
    code: handler.script,
    linesBefore: handler.linesBefore,
    helpers: program.helpers.map(describeForTypeScript),
    callsInFlight: program.callsInFlight,
    requestsInFlight: requestsInFlightOf(program),
  });
}
