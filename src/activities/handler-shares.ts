import { mayHaveOneMore, type HandlerPlaces } from '../domain/handler-shares.ts';

/** To be called once, when the handler has ended. */
export type ReleaseShare = () => void;

interface Waiter {
  readonly organizationId: string;
  readonly give: (release: ReleaseShare) => void;
}

/** Who runs a handler on this worker now, and who waits for a place: in the order they came, as far as each may. */
export class HandlerShares {
  readonly #places: HandlerPlaces;
  readonly #held = new Map<string, number>();
  readonly #waiters = new Set<Waiter>();
  #heldByAll = 0;

  constructor(places: HandlerPlaces) {
    this.#places = places;
  }

  /** Undefined when none has come free until the signal was aborted. */
  async take(organizationId: string, patience: AbortSignal): Promise<ReleaseShare | undefined> {
    if (this.#mayHaveOneMore(organizationId)) return this.#give(organizationId);
    if (patience.aborted) return undefined;
    return new Promise((resolve) => {
      const giveUp = () => {
        this.#waiters.delete(waiter);
        resolve(undefined);
      };
      const waiter: Waiter = {
        organizationId,
        give: (release) => {
          patience.removeEventListener('abort', giveUp);
          resolve(release);
        },
      };
      this.#waiters.add(waiter);
      patience.addEventListener('abort', giveUp, { once: true });
    });
  }

  #mayHaveOneMore(organizationId: string): boolean {
    return mayHaveOneMore(this.#places, this.#held.get(organizationId) ?? 0, this.#heldByAll);
  }

  #give(organizationId: string): ReleaseShare {
    this.#count(organizationId, 1);
    return () => {
      this.#count(organizationId, -1);
      for (const waiter of this.#waiters) {
        if (!this.#mayHaveOneMore(waiter.organizationId)) continue;
        this.#waiters.delete(waiter);
        waiter.give(this.#give(waiter.organizationId));
      }
    };
  }

  #count(organizationId: string, change: 1 | -1): void {
    const held = (this.#held.get(organizationId) ?? 0) + change;
    if (held === 0) this.#held.delete(organizationId);
    else this.#held.set(organizationId, held);
    this.#heldByAll += change;
  }
}
