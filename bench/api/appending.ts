import { randomUUID } from 'node:crypto';
import { conversationOf } from '../bench-system.ts';
import { interleaved, median, timeEach } from '../measure.ts';
import { row, type BenchResult } from '../result.ts';
import type { ApiBench } from './api-bench.ts';

const rounds = 5;
const times = 40;
/** Less than a conversation may hold by what is appended here. */
const long = 19_500;

/** One message more, to a conversation of 20,000 against an empty one. */
export async function appending(bench: ApiBench): Promise<BenchResult[]> {
  const client = await bench.server();
  const conversation = async (messages: number) => {
    const id = randomUUID();
    await client.ask('PUT', `/conversations/${id}`, conversationOf(id, messages));
    const message = {
      sender: 'customer',
      timestamp: '2026-01-31T12:00:00Z',
      content: 'Is it there yet?',
      channel: 'email',
    };
    const append = () => client.ask('POST', `/conversations/${id}/messages`, { ...message, id: randomUUID() });
    return async () => median(await timeEach(times, append));
  };
  const toLong = await conversation(long);
  const toEmpty = await conversation(0);
  await toEmpty();
  const { value, floor, ratio } = await interleaved(rounds, toLong, toEmpty);
  return [row('one message appended to 20,000, against none', 'ms', { value, floor, ratio }, { atMost: 1.5 })];
}
