import { createServer, type AddressInfo, type Socket } from 'node:net';

export interface RawServer {
  readonly port: number;
  readonly url: string;
  /** Connections so far. */
  readonly connections: readonly Socket[];
  /** First lines of what was asked, and all of it. */
  readonly asked: readonly string[];
  forget(): void;
  close(): Promise<void>;
}

/** A TCP server that answers each chunk it hears as the test says: what no HTTP library would send. */
export async function startRawServer(
  answer: (socket: Socket, request: string) => void,
  { host = '127.0.0.1', port = 0 } = {},
): Promise<RawServer> {
  const connections: Socket[] = [];
  const asked: string[] = [];
  const server = createServer((socket) => {
    connections.push(socket);
    socket.on('error', () => undefined);
    socket.on('data', (data) => {
      asked.push(data.toString('latin1'));
      answer(socket, data.toString('latin1'));
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  const { port: listening } = server.address() as AddressInfo;
  return {
    port: listening,
    url: `http://${host}:${String(listening)}`,
    connections,
    asked,
    forget() {
      connections.length = 0;
      asked.length = 0;
    },
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of connections) socket.destroy();
      await closed;
    },
  };
}

/** A whole answer, after which the connection stays or ends. */
export function httpAnswer(body: string, { status = '200 OK', headers = '', close = false } = {}): string {
  const length = String(Buffer.byteLength(body));
  const end = close ? 'Connection: close\r\n' : '';
  return `HTTP/1.1 ${status}\r\nContent-Length: ${length}\r\n${end}${headers}\r\n${body}`;
}
