import { randomUUID } from 'node:crypto';
import { conversationOf, publishAndSettle, withBenchSystem } from '../bench-system.ts';
import { interleaved, median, timeEach } from '../measure.ts';
import { row, type BenchResult } from '../result.ts';
import type { StartServers } from '../servers/servers.ts';
import { withoutCalls } from './handlers.ts';

/** One event each, so that a moment's noise spoils one round and not all of them. */
const rounds = 50;
const warmUp = 10;

/** An event on a known conversation: its length must hardly matter. */
export async function longConversation(servers: StartServers): Promise<BenchResult[]> {
  return withBenchSystem(servers, async ({ organization, afterword }) => {
    const { id, client } = await organization({ handler: withoutCalls });
    const [short, long] = [randomUUID(), randomUUID()];
    await afterword.ask('saveConversation', { organization: id, conversation: conversationOf(short, 5) });
    await afterword.ask('saveConversation', { organization: id, conversation: conversationOf(long, 5_000) });
    const measure = async (conversation: string, events = 1) =>
      median(await timeEach(events, () => publishAndSettle(client, conversation)));
    await measure(short, warmUp);
    await measure(long, warmUp);
    const { added } = await interleaved(
      rounds,
      () => measure(long),
      () => measure(short),
    );
    return [row('an event on 5,000 messages, against 5: added', 'ms', { value: added }, { atMost: 25 })];
  });
}
