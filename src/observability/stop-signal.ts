const signals = ['SIGTERM', 'SIGINT'] as const;
const stoppedAtOnceExitCode = 130;

/**
 * The first signal asks for an orderly end; the second ends the process at once. Handlers die with it, and other workers
 * take them up.
 */
export function onStopSignal(stop: (signal: string) => void): void {
  let asked = false;
  for (const signal of signals) {
    process.on(signal, () => {
      if (asked) process.exit(stoppedAtOnceExitCode);
      asked = true;
      stop(signal);
    });
  }
}
