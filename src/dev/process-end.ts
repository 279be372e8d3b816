/** All of it: the parts' own limits lie below. What is left then ends by itself, being tied to this process. */
const stopWithinMs = 4_800;
const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const interruptedExitCode = 130;

export type ProcessEnd =
  | { readonly kind: 'asked'; readonly signal: (typeof signals)[number] }
  /** An error that nobody caught. */
  | { readonly kind: 'failed'; readonly error: unknown };

export interface ProcessWatch {
  /** Resolves when the process has been told to end or cannot go on. */
  readonly ended: Promise<ProcessEnd>;
  /** Aborted at the same moment. */
  readonly signal: AbortSignal;
  /** From now on the process has 4.8 s. A signal says so too, whatever the process is doing then. */
  readonly endInTime: () => void;
}

/** Takes over Ctrl-C: the first one asks for an end, the second one ends the process at once. */
export function watchProcess(onLate: () => void): ProcessWatch {
  const abort = new AbortController();
  let deadline: NodeJS.Timeout | undefined;
  const endInTime = () => {
    deadline ??= setTimeout(() => {
      onLate();
      process.exit(1);
    }, stopWithinMs).unref();
  };
  const ended = new Promise<ProcessEnd>((resolve) => {
    const end = (how: ProcessEnd) => {
      endInTime();
      resolve(how);
      abort.abort();
    };
    for (const signal of signals) {
      process.on(signal, () => {
        if (abort.signal.aborted) process.exit(interruptedExitCode);
        end({ kind: 'asked', signal });
      });
    }
    process.on('uncaughtException', (error) => {
      end({ kind: 'failed', error });
    });
  });
  return { ended, signal: abort.signal, endInTime };
}
