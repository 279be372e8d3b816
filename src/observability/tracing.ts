import { context, propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { Resource } from '@opentelemetry/resources';
import { BasicTracerProvider, BatchSpanProcessor, type SpanProcessor } from '@opentelemetry/sdk-trace-base';

/** Spans of this process, on their way to a collector. */
export interface Tracing {
  readonly processor: SpanProcessor;
  readonly resource: Resource;
  /** Sends what is left, for at most 2 s. */
  stop(): Promise<void>;
}

const lastSendMs = 2_000;

/**
 * Sends spans by OTLP (HTTP, JSON) to where the standard variables OTEL_EXPORTER_OTLP_… say; what a collector that is away
 * does not take is dropped. Once per process. `OTEL_TRACES_SAMPLER` says which traces, `OTEL_SERVICE_NAME` what the process is called.
 */
export function startTracing(serviceName: string): Tracing {
  const resource = new Resource({ 'service.name': serviceName });
  const processor = new BatchSpanProcessor(new OTLPTraceExporter({ timeoutMillis: lastSendMs }));
  const provider = new BasicTracerProvider({ resource, spanProcessors: [processor] });
  provider.register({
    contextManager: new AsyncLocalStorageContextManager(),
    propagator: new W3CTraceContextPropagator(),
  });
  return {
    processor,
    resource,
    stop: () => provider.shutdown().catch(() => undefined),
  };
}

export interface TracedRequest {
  readonly method: string;
  /** As the header `traceparent` says, whose part it is. */
  readonly headers: Readonly<Record<string, string>>;
}

export interface TracedAnswer {
  readonly route: string;
  readonly status: number;
}

/** One span for a request to the API, part of its caller's trace. */
export async function traceRequest(
  { method, headers }: TracedRequest,
  answer: () => Promise<TracedAnswer>,
): Promise<void> {
  const parent = propagation.extract(context.active(), headers);
  const tracer = trace.getTracer('afterword');
  const attributes = { 'http.request.method': method };
  await tracer.startActiveSpan(method, { kind: SpanKind.SERVER, attributes }, parent, async (span) => {
    try {
      const { route, status } = await answer();
      span.updateName(`${method} ${route}`);
      span.setAttributes({ 'http.route': route, 'http.response.status_code': status });
      if (status >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
    } finally {
      span.end();
    }
  });
}
