import { InterceptingCall, status as grpcStatus } from '@grpc/grpc-js';
import { Client, Connection, defaultGrpcRetryOptions, makeGrpcRetryInterceptor } from '@temporalio/client';
import type { ConnectionOptions } from '@temporalio/client';
import type { Temporal } from '../../src/temporal/connection.ts';
import type { TestSystem } from '../setup/system.ts';

type Interceptor = NonNullable<ConnectionOptions['interceptors']>[number];

export interface WatchedUpdates {
  /** For workers; the caller closes it. */
  readonly temporal: Temporal;
  readonly sent: number;
  /** What the server said. */
  readonly refused: readonly string[];
}

/** Beneath the client's own retries, which would hide a refusal. */
export function watchUpdates({ temporal: { address, namespace } }: TestSystem): WatchedUpdates {
  let sent = 0;
  const refused: string[] = [];
  const watch: Interceptor = (options, nextCall) => {
    const isUpdate = options.method_definition.path.endsWith('/UpdateWorkflowExecution');
    if (isUpdate) sent += 1;
    return new InterceptingCall(nextCall(options), {
      start(metadata, _listener, next) {
        next(metadata, {
          onReceiveStatus(status, nextStatus) {
            if (isUpdate && status.code !== grpcStatus.OK) refused.push(status.details);
            nextStatus(status);
          },
        });
      },
    });
  };
  const interceptors = [makeGrpcRetryInterceptor(defaultGrpcRetryOptions()), watch];
  const connection = Connection.lazy({ address, interceptors });
  return {
    temporal: { client: new Client({ connection, namespace }), address, namespace, close: () => connection.close() },
    get sent() {
      return sent;
    },
    refused,
  };
}
