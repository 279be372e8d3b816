import { DefaultLogger, makeTelemetryFilterString, Runtime } from '@temporalio/worker';

// Before the first worker: handlers that fail, and workers that die, are the point of these tests, not worth a page of warnings each.
Runtime.install({
  logger: new DefaultLogger('ERROR'),
  telemetryOptions: { logging: { filter: makeTelemetryFilterString({ core: 'ERROR', other: 'ERROR' }) } },
});
