import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { z } from 'zod';
import { SinkRefusal, type AnalyticsSink } from '../../src/analytics/sink.ts';

const Sent = z.object({ id: z.string(), payload: z.object({ key: z.string() }) });

/** `lost`: takes the event and breaks the connection before it answers; `hangs`: never answers. */
export type Behaviour = 'takes' | 'fails' | 'refuses' | 'lost' | 'hangs';

export interface HttpSink extends AnalyticsSink {
  /** Keys of the events that arrived, by their ids; what came again counts once, as in a sink that knows its ids. */
  readonly arrived: ReadonlyMap<string, string>;
  /** Requests so far, whatever came of them. */
  requests(): number;
  behave(how: Behaviour | ((key: string) => Behaviour)): void;
  close(): Promise<void>;
}

/** A sink that speaks real HTTP to a stand-in of its own. */
export async function startHttpSink(name: string): Promise<HttpSink> {
  const arrived = new Map<string, string>();
  let requests = 0;
  let behaviour: (key: string) => Behaviour = () => 'takes';
  const server = createServer((request, response) => {
    requests += 1;
    void text(request).then((body) => {
      const { id, payload } = Sent.parse(JSON.parse(body));
      const how = behaviour(payload.key);
      if (how === 'takes' || how === 'lost') arrived.set(id, payload.key);
      if (how === 'lost') request.socket.destroy();
      else if (how !== 'hangs') response.writeHead({ takes: 204, fails: 503, refuses: 400 }[how]).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}/`;
  return {
    name,
    arrived,
    requests: () => requests,
    behave(how) {
      behaviour = typeof how === 'string' ? () => how : how;
    },
    async deliver(event, signal, send) {
      const { status } = await send({ method: 'POST', url, body: JSON.stringify(event) }, signal);
      if (status === 400) throw new SinkRefusal('the sink refuses it');
      if (status >= 300) throw new Error(`the sink answered ${String(status)}`);
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}
