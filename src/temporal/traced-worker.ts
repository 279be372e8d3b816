import {
  makeWorkflowExporter,
  OpenTelemetryActivityInboundInterceptor,
} from '@temporalio/interceptors-opentelemetry/lib/worker/index.js';
import type { WorkerOptions } from '@temporalio/worker';
import type { Tracing } from '../observability/tracing.ts';

/** Spans for a worker's activities, and for its workflows where their bundle is the traced one. */
export function tracedWorker({ processor, resource }: Tracing): Pick<WorkerOptions, 'interceptors' | 'sinks'> {
  return {
    interceptors: { activity: [(activity) => ({ inbound: new OpenTelemetryActivityInboundInterceptor(activity) })] },
    sinks: { exporter: makeWorkflowExporter(processor, resource) },
  };
}
