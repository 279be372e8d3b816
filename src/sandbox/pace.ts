/** How much of something one handler may take of the host: a token bucket. */
export class Pace {
  readonly #perMs: number;
  readonly #burst: number;
  #tokens: number;
  #at = 0;

  constructor(perMs: number, burst: number) {
    this.#perMs = perMs;
    this.#burst = burst;
    this.#tokens = burst;
  }

  /** Takes note of what was taken; how long to wait before listening again, 0 for not at all. */
  take(amount: number, nowMs: number): number {
    this.#tokens = Math.min(this.#burst, this.#tokens + (nowMs - this.#at) * this.#perMs) - amount;
    this.#at = nowMs;
    return this.#tokens < 0 ? -this.#tokens / this.#perMs : 0;
  }
}

/** Messages. One costs the host some 7 µs: at this pace a handler takes 7 % of the event loop at most. */
export function messagePace(): Pace {
  return new Pace(10, 5_000);
}

/** Milliseconds spent on reading messages: a single one of some MB can be made to cost half a second. */
export function workPace(): Pace {
  return new Pace(0.1, 1_000);
}
