import { join } from 'node:path';
import { readToolchain } from '../../src/config/toolchain.ts';
import { startTemporalDevServer } from '../../src/temporal/dev-server.ts';
import type { Servers } from './servers.ts';

/** As `npm start`: Temporal's development server, one worker process with the embedded store. */
export async function development(folder: string): Promise<Servers> {
  const { temporalCli } = readToolchain();
  if (temporalCli === null) throw new Error('no Temporal CLI: run `npm run setup`');
  const server = await startTemporalDevServer({ cliPath: temporalCli, dbFilename: join(folder, 'temporal.db') });
  return {
    address: server.address,
    databaseUrl: undefined,
    pids: [server.pid],
    workers: 1,
    stop: () => server.stop(),
  };
}
