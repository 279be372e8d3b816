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
