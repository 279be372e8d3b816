import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { SandboxError } from './sandbox.ts';

const retryMs = 10;

/**
 * Connects to a Unix socket, or undefined once `unwanted()`. A full backlog (EAGAIN) is waited out: a connection that is
 * refused there and quietly tried again by others would look like a lost attempt.
 */
export async function connectTo(path: string, unwanted: () => boolean): Promise<Socket | undefined> {
  while (!unwanted()) {
    const socket = connect(path);
    try {
      await once(socket, 'connect');
      if (!unwanted()) return socket;
      socket.destroy();
    } catch (error) {
      socket.destroy();
      if (codeOf(error) !== 'EAGAIN')
        throw new SandboxError('The Python fork server cannot be reached', { cause: error });
      await pause(retryMs);
    }
  }
  return undefined;
}

/** The `code` of a Node system error, such as ENOENT. */
export function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
