import { randomUUID } from 'node:crypto';
import { conversationOf, withBenchSystem } from '../bench-system.ts';
import { median, timeEach } from '../measure.ts';
import { row, type BenchResult } from '../result.ts';
import type { StartServers } from '../servers/servers.ts';
import { withoutCalls } from './handlers.ts';

const times = 40;

/** From the request to the answer with result and output, unsaved code on a stored conversation, over HTTP. */
export async function testRun(servers: StartServers): Promise<BenchResult[]> {
  return withBenchSystem(servers, async ({ organization, afterword }) => {
    const { id } = await organization({});
    const conversation = conversationOf(randomUUID(), 5);
    await afterword.ask('saveConversation', { organization: id, conversation });
    const { url, key } = await afterword.ask<{ url: string; key: string }>('api', id);
    const body = { conversation: conversation.publicId, eventType: 'conversation_closed', code: withoutCalls };
    const run = async () => {
      const response = await fetch(`${url}/api/v1/test-runs`, {
        method: 'POST',
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
      const answer = await response.text();
      if (!answer.includes('"status":"succeeded"')) throw new Error(`the test run was answered with ${answer}`);
    };
    await timeEach(10, run);
    const value = median(await timeEach(times, run));
    return [row('a test run of a handler without calls', 'ms', { value }, { atMost: 150 })];
  });
}
