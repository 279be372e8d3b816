import type { Command } from 'commander';
import { checkMachine } from './doctor-machine.ts';
import { checkServer } from './doctor-server.ts';
import { checkTemporal } from './doctor-temporal.ts';
import { openInvocation } from './environment.ts';
import type { CliEnvironment } from './environment.ts';
import type { Output } from './output.ts';
import { plural, printable } from './text.ts';

export interface Finding {
  readonly check: string;
  readonly state: 'ok' | 'warn' | 'fail';
  readonly detail: string;
  /** What to do; empty where all is well. */
  readonly mend: string;
}

export function addDoctorCommand(program: Command, environment: CliEnvironment, onFailure: () => void): void {
  program
    .command('doctor')
    .description('check this machine, Temporal and the server, and say what to do')
    .action(async (_options: object, command: Command) => {
      const { output, urlOption } = openInvocation(environment, command);
      const config = environment.loadConfig();
      const groups = await Promise.all([
        checkMachine(config),
        checkTemporal(config),
        checkServer(config, urlOption, environment.signal),
      ]);
      const findings = groups.flat();
      const failed = findings.filter(({ state }) => state === 'fail').length;
      if (failed > 0) onFailure();
      output.result({ ok: failed === 0, checks: findings }, () => findingsText(output, findings, failed));
    });
}

const formats = { ok: 'green', warn: 'yellow', fail: 'red' } as const;

function findingsText(output: Output, findings: readonly Finding[], failed: number): string {
  const lines = findings.map(({ check, state, detail, mend }) => {
    const line = `${output.style(formats[state], state.padEnd(4))}  ${check.padEnd(12)}  ${printable(detail)}`;
    return mend === '' ? line : `${line}\n${' '.repeat(20)}→ ${printable(mend)}`;
  });
  const verdict = failed === 0 ? 'All is well.' : `${plural(failed, 'check')} failed.`;
  return [...lines, '', verdict].join('\n');
}
