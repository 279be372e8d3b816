import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { publishAndSettle, withBenchSystem, type BenchSystem } from '../bench-system.ts';
import { interleaved, median, timeEach } from '../measure.ts';
import { row, type BenchResult } from '../result.ts';
import { fiveRequests } from './handlers.ts';

const rounds = 5;
const posts = 40;
const events = 8;
const body = 'x'.repeat(500);

/** What an outgoing request costs more than the same one made directly: by the gateway, and recorded from a handler. */
export async function requests(): Promise<BenchResult[]> {
  const server = createServer((incoming, response) => incoming.resume().on('end', () => response.end('ok')));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}/`;
  try {
    return await withBenchSystem((system) => measure(system, url));
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

async function measure({ organization, afterword }: BenchSystem, url: string): Promise<BenchResult[]> {
  const { id, client } = await organization({ handler: fiveRequests(url, body) });
  const times = async (method: string, argument: unknown) => {
    const measured: number[] = [];
    for (let n = 0; n < posts; n += 1) measured.push(await afterword.ask<number>(method, argument));
    return median(measured);
  };
  const directly = () => times('postDirectly', { url, body });
  await timeEach(5, () => publishAndSettle(client));
  await directly();

  const gateway = await interleaved(rounds, () => times('postThroughGateway', { url, body }), directly);
  const recorded = await interleaved(
    rounds,
    async () => {
      await timeEach(events, () => publishAndSettle(client));
      const results = await afterword.ask<{ result: number[] }[]>('results', id);
      return median(results.slice(-events).flatMap(({ result }) => result));
    },
    async () => (await directly()) + (await times('commitTwice', id)),
  );
  return [
    row('a POST through the gateway, against one made directly: added', 'ms', { value: gateway.added }, { atMost: 3 }),
    row(
      'a recorded POST of a handler, against one made directly and two commits: added',
      'ms',
      { value: recorded.added },
      { atMost: 3 },
    ),
  ];
}
