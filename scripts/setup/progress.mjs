const tty = process.stdout.isTTY === true;
const heartbeatMs = tty ? 1_000 : 30_000;

/** Ends set-up with a message for people instead of a stack trace. */
export class SetupError extends Error {
  /** @override */
  name = 'SetupError';
}

/** @param {number} since */
export function seconds(since) {
  const elapsed = (Date.now() - since) / 1000;
  return elapsed < 10 ? `${elapsed.toFixed(1)} s` : `${Math.round(elapsed)} s`;
}

/** @param {string} text */
export function say(text) {
  process.stdout.write(`${tty ? '\r\x1b[K' : ''}${text}\n`);
}

/**
 * Says what is being done while it is being done: one line that counts seconds on a terminal, a line every
 * 30 s elsewhere.
 *
 * @template T
 * @param {string} what
 * @param {(note: (detail: string) => void) => Promise<T>} work `note` tells which part of it is under way
 * @returns {Promise<T>}
 */
export async function step(what, work) {
  const start = Date.now();
  let detail = '';
  const show = () => {
    const line = `${what}${detail && `: ${detail}`} … ${seconds(start)}`;
    process.stdout.write(tty ? `\r\x1b[K${line}` : `${line}\n`);
  };
  process.stdout.write(`${what} …${tty ? '' : '\n'}`);
  const heartbeat = setInterval(show, heartbeatMs);
  try {
    const result = await work((text) => {
      detail = text;
      if (!tty) show();
    });
    say(`${what}: done in ${seconds(start)}`);
    return result;
  } catch (error) {
    say(`${what}: failed after ${seconds(start)}`);
    throw error;
  } finally {
    clearInterval(heartbeat);
  }
}
