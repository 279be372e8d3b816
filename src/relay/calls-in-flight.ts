export interface CallsInFlight {
  watch<Answer>(call: Promise<Answer>): Promise<Answer>;
  /** When none is left. */
  settled(): Promise<void>;
}

/**
 * Temporal's connection must not be closed under a call: a retry that waits for its turn would throw from a timer,
 * where nobody can catch it, and end the process.
 */
export function createCallsInFlight(): CallsInFlight {
  const calls = new Set<Promise<unknown>>();
  return {
    watch: async (call) => {
      calls.add(call);
      try {
        return await call;
      } finally {
        calls.delete(call);
      }
    },
    settled: async () => {
      while (calls.size > 0) await Promise.allSettled(calls);
    },
  };
}
