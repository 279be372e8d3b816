import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { publishAndSettle, withBenchSystem, type BenchSystem } from '../bench-system.ts';
import { interleaved, median, timeEach } from '../measure.ts';
import { row, type BenchResult } from '../result.ts';
import type { StartServers } from '../servers/servers.ts';
import { fiveRequests } from './handlers.ts';

const rounds = 5;
const events = 8;
const body = 'x'.repeat(500);

/** What an outgoing request costs more than the same one made directly: by the gateway, and recorded from a handler. */
export async function requests(servers: StartServers): Promise<BenchResult[]> {
  const server = createServer((incoming, response) => incoming.resume().on('end', () => response.end('ok')));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}/`;
  try {
    return await withBenchSystem(servers, (system) => measure(system, url));
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

async function measure({ organization, afterword }: BenchSystem, url: string): Promise<BenchResult[]> {
  const { id, client } = await organization({ handler: fiveRequests(url, body) });
  const times = async (method: string, argument: unknown) => median(await afterword.ask<number[]>(method, argument));
  const directly = () => times('postDirectly', { url, body });
  const andTwoCommits = async () => (await directly()) + (await times('commitTwice', id));
  const fromHandler = async () => {
    await timeEach(events, () => publishAndSettle(client));
    const results = await afterword.ask<{ result: number[] }[]>('results', id);
    return median(results.slice(-events).flatMap(({ result }) => result));
  };
  await fromHandler();
  await directly();

  const through = await interleaved(rounds, () => times('postThroughGateway', { url, body }), directly);
  const recorded = await interleaved(
    rounds,
    () => times('postRecorded', { organization: id, url, body }),
    andTwoCommits,
  );
  const seen = await interleaved(rounds, fromHandler, andTwoCommits);
  return [
    row('a POST through the gateway, over one made directly', 'ms', { value: through.added }, { atMost: 3 }),
    row('a recorded POST, over one made directly and two commits', 'ms', { value: recorded.added }, { atMost: 3 }),
    row('the same as `requests` in a handler sees it', 'ms', { value: seen.added }),
  ];
}
