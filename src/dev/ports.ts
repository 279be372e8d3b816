import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from '../config/config.ts';
import { AfterwordError } from '../domain/errors.ts';

const temporalHost = '127.0.0.1';
const silentAfterMs = 6_000;

/** Throws `port_taken` naming every port that is in use and its variable, before anything is started. */
export async function checkPorts(
  config: Pick<Config, 'host' | 'port' | 'temporalPort' | 'temporalUiPort'>,
): Promise<void> {
  const wanted = [
    { variable: 'AFTERWORD_PORT', host: config.host, port: config.port },
    { variable: 'AFTERWORD_TEMPORAL_PORT', host: temporalHost, port: config.temporalPort },
    { variable: 'AFTERWORD_TEMPORAL_UI_PORT', host: temporalHost, port: config.temporalUiPort },
  ];
  const claims = [];
  // One after the other and held until all are known: two variables may name the same port.
  for (const place of wanted) claims.push({ ...place, ...(await claim(place.host, place.port)) });
  await Promise.all(claims.map(({ release }) => release()));
  const taken = claims.filter((found) => found.taken);
  if (taken.length === 0) return;
  const list = taken.map(({ variable, host, port }) => `${host}:${port} (${variable})`).join(', ');
  throw new AfterwordError(
    'port_taken',
    `In use by another program, perhaps another Afterword: ${list}. Set the variable to another port, or to 0 for any free one.`,
  );
}

async function claim(host: string, port: number): Promise<{ taken: boolean; release: () => Promise<void> }> {
  const server = createServer();
  try {
    server.listen({ host, port });
    await once(server, 'listening');
  } catch (error) {
    // Any other fault is told better by whoever listens there later.
    const taken = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
    return { taken, release: () => Promise.resolve() };
  }
  return {
    taken: false,
    release: async () => {
      server.close();
      await once(server, 'close');
    },
  };
}

/**
 * After a kill the Temporal server ends by itself, within 3 s, and until then it writes to the database file. Resolves
 * when nothing listens at `address`, or after 6 s.
 */
export async function untilSilent(address: string): Promise<void> {
  const { hostname, port } = new URL(`tcp://${address}`);
  const deadline = Date.now() + silentAfterMs;
  while (Date.now() < deadline && (await answers(hostname, Number(port)))) await sleep(50);
}

async function answers(host: string, port: number): Promise<boolean> {
  const socket = connect({ host, port });
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
