import { pythonExecMessage, wallMsLeft } from './exec-message.ts';
import { HandlerRun } from './handler-run.ts';
import type { LiveForkServer } from './live-fork-server.ts';
import type { SandboxHost, SandboxProgram, SandboxResult } from './sandbox.ts';

/** Runs a handler in a fork of the warmed interpreter. */
export async function runPythonHandler(
  servers: LiveForkServer,
  program: SandboxProgram,
  host: SandboxHost,
  signal?: AbortSignal,
): Promise<SandboxResult> {
  const server = await servers.get();
  const { limits } = program;
  return new HandlerRun(program, host, {
    open: (unwanted) => server.fork('python', limits, wallMsLeft(limits), unwanted),
    execMessage: (contextBytes) => pythonExecMessage(program, contextBytes),
  }).run(signal);
}
