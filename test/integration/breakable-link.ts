import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** A TCP link to a server that a test can break as a network does: connections die, new ones are refused. */
export interface BreakableLink {
  readonly port: number;
  break(): Promise<void>;
  mend(): Promise<void>;
}

export async function linkTo(target: { readonly host: string; readonly port: number }): Promise<BreakableLink> {
  const sockets = new Set<Socket>();
  let server = serve();
  await listening(server, 0);
  const { port } = server.address() as AddressInfo;

  function serve(): Server {
    return createServer((near) => {
      const far = connect(target.port, target.host);
      for (const [from, to] of [
        [near, far],
        [far, near],
      ] as const) {
        sockets.add(from);
        from.pipe(to);
        from.on('error', () => to.destroy());
        from.on('close', () => {
          sockets.delete(from);
          to.destroy();
        });
      }
    });
  }

  return {
    port,
    async break() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
    async mend() {
      if (server.listening) return;
      server = serve();
      await listening(server, port);
    },
  };
}

function listening(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
}
