/** In this order parts are closed: none loses what it still works with. */
const order = ['server', 'workers', 'sandbox', 'stand-ins', 'connections', 'temporal', 'store', 'tracing'] as const;
export type Part = (typeof order)[number];

export interface ClosingOrder {
  /** To be closed in its turn, whenever it was opened. */
  add(part: Part, close: () => Promise<void>): void;
  /** Closes what was opened; a part that fails to close does not keep the others open. Once. */
  closeAll(): Promise<void>;
}

export function createClosingOrder(onFault: (part: Part, error: unknown) => void): ClosingOrder {
  const opened: { part: Part; close: () => Promise<void> }[] = [];
  async function closeAll(): Promise<void> {
    for (const part of order) {
      const closing = opened.filter((one) => one.part === part).map(({ close }) => close());
      for (const closed of await Promise.allSettled(closing)) {
        if (closed.status === 'rejected') onFault(part, closed.reason);
      }
    }
  }
  let closing: Promise<void> | undefined;
  return {
    add: (part, close) => {
      opened.push({ part, close });
    },
    closeAll: () => (closing ??= closeAll()),
  };
}
