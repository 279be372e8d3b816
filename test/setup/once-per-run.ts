const registryKey = Symbol.for('afterword.test.running');

interface Running {
  readonly started: Promise<{ readonly value: unknown; stop(): Promise<void> }>;
  users: number;
}

const holder = globalThis as { [registryKey]?: Map<string, Running> | undefined };
const registry = holder[registryKey] ?? new Map<string, Running>();
holder[registryKey] = registry;

/**
 * Vitest loads a set-up file once for each project. What `start` starts is shared by all projects of a run and
 * stopped when the last one releases it.
 */
export async function oncePerRun<T>(
  name: string,
  start: () => Promise<{ readonly value: T; stop(): Promise<void> }>,
): Promise<{ readonly value: T; release(): Promise<void> }> {
  const running = registry.get(name) ?? { started: start(), users: 0 };
  registry.set(name, running);
  running.users += 1;
  const { value, stop } = await running.started;
  const release = async () => {
    running.users -= 1;
    if (running.users > 0) return;
    registry.delete(name);
    await stop();
  };
  return { value: value as T, release };
}
