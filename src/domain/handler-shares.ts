/** Places for handlers on one worker. */
export interface HandlerPlaces {
  /** What one organisation may have while no other wants any: the worker's `handlerSlots`. */
  readonly forOne: number;
  /** More than that, kept free for others. */
  readonly reserve: number;
  /** Handlers that wait here for a share of the places. */
  readonly waiting: number;
}

export function handlerPlaces(handlerSlots: number): HandlerPlaces {
  return { forOne: handlerSlots, reserve: Math.ceil(handlerSlots / 3), waiting: 2 };
}

/**
 * Whether an organisation may have one place more. The fewer are left, the less one may hold: alone it gets `forOne`, two that
 * want all get about half each, and the last one goes to nobody but an organisation that has none. So a newcomer finds a
 * place although the others' handlers hang. (Dynamic thresholds, as switches share their buffers among queues.)
 */
export function mayHaveOneMore({ forOne, reserve }: HandlerPlaces, held: number, heldByAll: number): boolean {
  const free = forOne + reserve - heldByAll;
  if (held === 0) return free > 0;
  return held + 1 <= ((free - 1) * forOne) / reserve;
}
