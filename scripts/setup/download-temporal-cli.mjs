// Lets the Temporal SDK fetch its development server into a folder: node download-temporal-cli.mjs FOLDER VERSION
// The SDK starts what it has downloaded; it is stopped again at once.
import { lookup } from 'node:dns/promises';
import { TestWorkflowEnvironment } from '@temporalio/testing';

const [downloadDir = '.', version = 'default'] = process.argv.slice(2);

// Without a network the SDK's client tries for minutes; one look-up tells in milliseconds.
await Promise.race([
  lookup('temporal.download'),
  new Promise((_, reject) => setTimeout(reject, 5_000, new Error('temporal.download: no answer in 5 s'))),
]);
const environment = await TestWorkflowEnvironment.createLocal({
  server: { executable: { type: 'cached-download', downloadDir, version } },
});
await environment.teardown();
process.exit(0);
