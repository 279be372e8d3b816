// Starts a Temporal development server, says its process id and stays: node start-temporal.ts CLI
import { startTemporalDevServer } from '../../../src/temporal/dev-server.ts';

const server = await startTemporalDevServer({ cliPath: process.argv[2] ?? '' });
console.log(server.pid);
