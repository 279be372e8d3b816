import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { z } from 'zod';
import { createSandbox, type HandlerSandbox } from '../../src/sandbox/create-sandbox.ts';
import { runHandler } from '../sandbox/running.ts';
import '../setup/provided.ts';
import { toolCases, type ToolCase } from './fixtures/tools.ts';

/** What the toolkit answers by itself, in a Python of its own with the same packages, is what it answers in the cage. */

const context = {
  credentials: { key: 'secret' },
  parameters: { message: 'help', items: [1, 2, 3] },
  globals: { currency: 'EUR' },
  contact: { urn: 'whatsapp:1' },
  project: { name: 'Example Shop', slug: 'example-shop' },
  constants: { tone: 'formal' },
};
const python = () => inject('python') ?? 'python3';

const Outcome = z.union([
  z.strictObject({ error: z.object({ type: z.string(), message: z.string() }) }),
  z.strictObject({ notJson: z.literal(true) }),
  z.strictObject({ result: z.unknown(), format: z.unknown(), events: z.array(z.unknown()) }),
]);
type Outcome = z.infer<typeof Outcome>;
const Answer = z.object({ result: z.unknown(), format: z.unknown() });

let sandbox: HandlerSandbox;
let outside: ReadonlyMap<string, Outcome>;
beforeAll(async () => {
  sandbox = await createSandbox({ pythonPath: python() });
  const script = fileURLToPath(new URL('fixtures/run_tools_outside.py', import.meta.url));
  const input = JSON.stringify(toolCases.map(({ source, name }) => ({ source, name, context })));
  const ran = spawnSync(python(), [script], { input, encoding: 'utf8', env: { TZ: 'UTC', PATH: '' } });
  if (ran.status !== 0) throw new Error(ran.stderr);
  const outcomes = z.array(Outcome).parse(JSON.parse(ran.stdout));
  outside = new Map(toolCases.map(({ title }, index) => [title, outcomes[index] ?? { notJson: true }]));
});
afterAll(() => sandbox.close());

async function inside({ source, name }: ToolCase): Promise<Outcome> {
  const limits = { events: 100, eventBytes: 100_000 };
  const { result } = await runHandler(sandbox, source, { limits, tool: { name, context, whole: true } });
  if (result.outcome === 'failed') {
    const { type, message } = result.error;
    return result.reason === 'not_json' ? { notJson: true } : { error: { type, message } };
  }
  if (result.outcome !== 'succeeded') throw new Error(result.outcome);
  return { ...Answer.parse(result.result), events: result.events.map(({ event }) => event) };
}

describe('a tool that', () => {
  test.each(toolCases)('$title', async (toolCase) => {
    expect(await inside(toolCase)).toEqual(outside.get(toolCase.title));
  });

  test('is compared is one of at least forty, which succeed and fail', () => {
    const kinds = [...outside.values()].map((outcome) => Object.keys(outcome)[0] ?? '');
    expect(kinds.length).toBeGreaterThanOrEqual(40);
    expect(kinds.filter((kind) => kind === 'result').length).toBeGreaterThan(25);
    expect(kinds.filter((kind) => kind === 'error').length).toBeGreaterThan(15);
    expect(kinds).toContain('notJson');
  });
});
