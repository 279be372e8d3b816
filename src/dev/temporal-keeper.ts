import { setTimeout as sleep } from 'node:timers/promises';
import { AfterwordError } from '../domain/errors.ts';
import { startTemporalDevServer, TemporalPortTaken, TemporalStartFailed } from '../temporal/dev-server.ts';
import type { ProcessEnd, TemporalDevServer, TemporalDevServerOptions } from '../temporal/dev-server.ts';

/** More restarts than this within a minute, and something is wrong that another one does not mend. */
const restartsAMinute = 5;
const minuteMs = 60_000;
const restartPauseMs = 1_000;

export interface TemporalKeeper {
  readonly address: string;
  readonly uiUrl: string | null;
  /** Rejects with `temporal_start_failed` when the server ends again and again. */
  readonly gaveUp: Promise<never>;
  stop(): Promise<void>;
}

export interface TemporalKeeperOptions extends TemporalDevServerOptions {
  readonly onEnded: (end: ProcessEnd) => void;
  readonly onRestarted: () => void;
}

/**
 * Keeps a Temporal development server running, at one address: when it ends it is started again; the database file has
 * kept its state. Throws port_taken, temporal_start_failed.
 */
export async function keepTemporalRunning(options: TemporalKeeperOptions): Promise<TemporalKeeper> {
  const first = await start(options);
  const samePlace = {
    ...options,
    port: portOf(first.address),
    ...(first.uiUrl === null ? {} : { uiPort: portOf(first.uiUrl.replace('http://', '')) }),
  };
  const state = { server: first, stopping: false };
  const isStopping = () => state.stopping;

  async function keep(): Promise<void> {
    const restarts: number[] = [];
    for (;;) {
      const end = await state.server.exited;
      if (isStopping()) return;
      options.onEnded(end);
      state.server = await startAgain(samePlace, restarts);
      if (isStopping()) return;
      options.onRestarted();
    }
  }

  const kept = keep();
  const gaveUp = new Promise<never>((_resolve, reject) => {
    kept.catch(reject);
  });
  gaveUp.catch(() => undefined); // whoever awaits it hears of it
  return {
    address: first.address,
    uiUrl: first.uiUrl,
    gaveUp,
    async stop() {
      state.stopping = true;
      await state.server.stop();
      await kept.catch(() => undefined);
      await state.server.stop();
    },
  };
}

/** `restarts`: when there have been restarts; one that ends soon after its start counts like one that fails. */
async function startAgain(options: TemporalDevServerOptions, restarts: number[]): Promise<TemporalDevServer> {
  let cause: unknown;
  for (;;) {
    const recent = restarts.filter((at) => Date.now() - at < minuteMs);
    if (recent.length >= restartsAMinute) {
      const why = cause instanceof Error ? ` ${cause.message}` : '';
      throw new AfterwordError(
        'temporal_start_failed',
        `The Temporal development server ended again and again; after ${restartsAMinute} restarts within a minute no other is tried.${why}`,
        { cause },
      );
    }
    restarts.splice(0, restarts.length, ...recent, Date.now());
    try {
      return await start(options);
    } catch (error) {
      cause = error;
      await sleep(restartPauseMs);
    }
  }
}

async function start(options: TemporalDevServerOptions): Promise<TemporalDevServer> {
  try {
    return await startTemporalDevServer(options);
  } catch (error) {
    if (error instanceof TemporalPortTaken) throw new AfterwordError('port_taken', error.message, { cause: error });
    if (error instanceof TemporalStartFailed) {
      throw new AfterwordError('temporal_start_failed', error.message, { cause: error });
    }
    throw error;
  }
}

function portOf(address: string): number {
  return Number(address.slice(address.lastIndexOf(':') + 1));
}
