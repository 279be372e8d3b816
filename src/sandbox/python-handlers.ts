import type { Children } from './children.ts';
import { pythonExecMessage } from './exec-message.ts';
import { HandlerRun } from './handler-run.ts';
import type { SandboxHost, SandboxProgram, SandboxResult } from './sandbox.ts';

/** Runs a handler in a fork of the warmed interpreter. */
export async function runPythonHandler(
  children: Children,
  program: SandboxProgram,
  host: SandboxHost,
  signal?: AbortSignal,
): Promise<SandboxResult> {
  await children.ready();
  return new HandlerRun(program, host, {
    open: (unwanted) => children.open(program.limits, unwanted),
    execMessage: (contextBytes) => pythonExecMessage(program, contextBytes),
  }).run(signal);
}
