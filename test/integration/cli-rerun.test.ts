import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ExecutionDetail } from '../../src/contract/execution.ts';
import { StartedRerun } from '../../src/contract/rerun.ts';
import { playing, type Script } from './cli-play.ts';
import { createCliUnderTest } from './cli-under-test.ts';
import type { CliUnderTest } from './cli-under-test.ts';

const tag = { name: 'add_conversation_tag', args: { tag: 'vip' }, answer: { success: true, tagId: 't-1' } };
const broken: Script = { status: 'failed', reason: 'raised', calls: [tag] };
const mended: Script = { result: 7, calls: [tag, { name: 'add_conversation_event', args: {}, answer: {} }] };

let cli: CliUnderTest;
let events = 0;

beforeAll(async () => {
  cli = await createCliUnderTest();
  writeFileSync(join(cli.folder, 'h.py'), 'def handle_event(context):\n    return 1\n');
  writeFileSync(join(cli.folder, 'handlers.yaml'), 'handlers: [{name: h, event: conversation_closed, file: h.py}]\n');
  await cli.run(['handlers', 'push']);
});
afterAll(() => cli.close());

/** Id of an execution that has ended so. */
async function executionOf(script: Script): Promise<string> {
  cli.workers.play = playing({ h: script });
  events += 1;
  const conversation = { id: '0199a3f0-0000-7000-8000-000000000001', publicId: 'C-1', subject: 's', businessSlug: 'b' };
  const event = JSON.stringify({ id: `closing-${String(events)}`, type: 'conversation_closed', conversation });
  const { stdout } = await cli.run(['emit', '-', '--wait', '--json'], { stdin: event });
  const { executions } = JSON.parse(stdout) as { executions: [{ id: string }] };
  return executions[0].id;
}

describe('rerun', () => {
  test('says which execution runs, of which version and from whose record; with --json as the API has it', async () => {
    const id = await executionOf(broken);
    const ran = await cli.run(['rerun', id]);
    expect(ran).toMatchObject({ exitCode: 0, stderr: '' });
    expect(ran.stdout).toMatch(
      new RegExp(`^Execution [\\da-f-]+ runs ${id} again, with version 1. It answers from the record of ${id}.\n$`),
    );
    const json = await cli.run(['rerun', id, '--json', '--fresh']);
    expect(StartedRerun.parse(JSON.parse(json.stdout))).toMatchObject({ rerunOf: id, fresh: true, answersFrom: [] });
  });

  test('--wait shows it, what it answered from the record, and both ends of the relation', async () => {
    const id = await executionOf(broken);
    cli.workers.play = playing({ h: mended });
    const ran = await cli.run(['rerun', id, '--wait']);
    expect(ran.exitCode).toBe(0);
    expect(ran.stdout).toContain(`re-run of     ${id}`);
    expect(ran.stdout).toContain(`earlier       ${id}, failed`);
    expect(ran.stdout).toMatch(
      new RegExp(`add_conversation_tag #1 {2}succeeded · .*made by execution ${id}, its answer used again`),
    );
    expect(ran.stdout).toMatch(/add_conversation_event #\d {2}succeeded · [^·]*\n/);
    const original = await cli.run(['execution', id]);
    expect(original.stdout).toMatch(/later {9}[\da-f-]+, succeeded/);
    expect((await cli.run(['executions', '--json', '--limit', '1'])).stdout).toContain(`"rerunOf": "${id}"`);
  });

  test('--wait of one that fails again ends with 1, and --json prints it all the same', async () => {
    const id = await executionOf(broken);
    const ran = await cli.run(['rerun', id, '--wait', '--json', '--newest']);
    expect(ran.exitCode).toBe(1);
    expect(ExecutionDetail.parse(JSON.parse(ran.stdout))).toMatchObject({ rerunOf: id, status: 'failed' });
    expect(ran.stderr).toContain('handler_failed');
  });

  test('--fresh says plainly that effects are repeated', async () => {
    const id = await executionOf(broken);
    const ran = await cli.run(['rerun', id, '--fresh', '--wait', '--timeout', '5']);
    expect(ran.stderr).toContain('Every call is made again: effects are repeated.\n');
    expect(ran.stdout).toContain(`${id}, failed, with a record of its own`);
    expect(ran.stdout).not.toContain('its answer used again');
  });

  test('what is refused says what to do', async () => {
    const unknown = await cli.run(['rerun', '0199a3f0-0000-7000-8000-00000000dead']);
    expect(unknown).toMatchObject({ exitCode: 1, stdout: '' });
    expect(unknown.stderr).toContain('(execution_not_found)');
    const id = await executionOf(broken);
    cli.workers.play = () => Promise.resolve();
    const first = await cli.run(['rerun', id, '--json']);
    const { executionId } = StartedRerun.parse(JSON.parse(first.stdout));
    const second = await cli.run(['rerun', id]);
    expect(second).toMatchObject({ exitCode: 1, stdout: '' });
    expect(second.stderr).toContain(executionId);
    expect(second.stderr).toContain('(rerun_under_way)\n  → Wait for the execution that the answer names');
    const late = await cli.run(['rerun', id, '--fresh', '--wait', '--timeout', '0.2']);
    expect(late.exitCode).toBe(1);
    expect(late.stderr).toContain('wait_timed_out');
  });
});
