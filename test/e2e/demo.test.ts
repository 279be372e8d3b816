import { afterEach, describe, expect, test } from 'vitest';
import { readToolchain } from '../../src/config/toolchain.ts';
import { endAll, firstStartMs, run } from './started.ts';

describe('npm run demo', { timeout: firstStartMs }, () => {
  afterEach(endAll);

  test.skipIf(readToolchain().python === null)('shows what ran and exits 0', async () => {
    const demo = run('/nonexistent', { args: ['--demo'] });
    expect(await demo.exited, demo.text()).toBe(0);
    expect(demo.text()).toContain('classify-conversation');
    expect(demo.text()).toContain('POST hooks.slack.com/services/YOUR/WEBHOOK/URL');
    expect(demo.text()).toContain('add_conversation_tag "handed-off"');
    expect(demo.text()).toContain('nothing ran twice');
  });

  test('exits 1 with the reason where Python handlers cannot run', async () => {
    const demo = run('/nonexistent', { args: ['--demo'], env: { AFTERWORD_PYTHON: '/nonexistent/python' } });
    expect(await demo.exited, demo.text()).toBe(1);
    expect(demo.text()).toContain('python_missing');
  });
});
