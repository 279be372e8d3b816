import type { HandlerLimits } from '../contract/handler-limits.ts';
import { limits } from '../domain/limits.ts';
import type { SandboxLimits } from './sandbox.ts';

/** What every handler may have. */
export const handlerLimits: SandboxLimits = {
  wallMs: limits.handlerWallMs,
  cpuSeconds: limits.handlerCpuSeconds,
  memoryBytes: limits.handlerMemoryBytes,
  outputBytes: limits.outputBytes,
  resultBytes: limits.resultBytes,
  callBytes: limits.callArgumentsBytes,
  events: limits.analyticsEvents,
  eventBytes: limits.analyticsEventsBytes,
  requestBytes: limits.httpRequestBytes,
  requestHeadBytes: limits.httpHeadBytes,
};

/** What one may have that has limits of its own. They only lower: of 60 s an attempt 59.5 are the handler's. */
export function handlerLimitsOf(own: HandlerLimits): SandboxLimits {
  const { seconds = Infinity, cpuSeconds = Infinity, memoryMb = Infinity } = own;
  const { outputBytes = Infinity, resultBytes = Infinity } = own;
  return {
    ...handlerLimits,
    wallMs: Math.min(handlerLimits.wallMs, seconds * 1_000),
    cpuSeconds: Math.min(handlerLimits.cpuSeconds, cpuSeconds),
    memoryBytes: Math.min(handlerLimits.memoryBytes, memoryMb * 2 ** 20),
    outputBytes: Math.min(handlerLimits.outputBytes, outputBytes),
    resultBytes: Math.min(handlerLimits.resultBytes, resultBytes),
  };
}
