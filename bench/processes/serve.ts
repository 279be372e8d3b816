/** Answers the requests of the measuring process over IPC: `{id, method, argument}` → `{id, answer | error}`. */
export function serve(methods: Record<string, (argument: never) => Promise<unknown>>): void {
  process.on('message', (request: { id: number; method: string; argument: never }) => {
    const { id, method, argument } = request;
    void Promise.resolve(methods[method]?.(argument)).then(
      (answer) => process.send?.({ id, answer }),
      (error: unknown) => process.send?.({ id, error: String(error) }),
    );
  });
  // The measuring process is gone: so are we.
  process.on('disconnect', () => process.exit(0));
  process.send?.({ id: 0, answer: 'ready' });
}
