interface EventHere {
  running: number;
  /** Each tells of one handler that has ended. */
  readonly waiting: Set<() => void>;
}

/**
 * Handlers of one event that end on this worker shortly after each other are told to Temporal together. One that is told by itself costs
 * a workflow task: of ten handlers a tenth of all that their event takes. By then the execution has ended in the store and
 * its place is free; only Temporal's slot is held, and where those are all taken nothing waits.
 */
export class ToldTogether {
  readonly #slots: number;
  readonly #waitMs: number;
  readonly #events = new Map<string, EventHere>();
  #slotsTaken = 0;

  /** `slots`: activities this worker may have at once; `waitMs`: how long an end waits for others at most. */
  constructor(slots: number, waitMs: number) {
    this.#slots = slots;
    this.#waitMs = waitMs;
  }

  /** What `work` comes to, later where others of the same workflow run here. */
  async run<Result>(workflowId: string, work: () => Promise<Result>): Promise<Result> {
    const event = this.#events.get(workflowId) ?? { running: 0, waiting: new Set() };
    this.#events.set(workflowId, event);
    event.running += 1;
    this.#slotsTaken += 1;
    if (this.#full()) for (const each of this.#events.values()) tell(each);
    try {
      return await work();
    } finally {
      event.running -= 1;
      if (event.running === 0) this.#events.delete(workflowId);
      if (event.running === 0 || this.#full()) tell(event);
      else await this.#others(event);
      this.#slotsTaken -= 1;
    }
  }

  #full(): boolean {
    return this.#slotsTaken >= this.#slots;
  }

  #others(event: EventHere): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        tell(event);
      }, this.#waitMs);
      event.waiting.add(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }
}

function tell({ waiting }: EventHere): void {
  for (const each of waiting) each();
  waiting.clear();
}
