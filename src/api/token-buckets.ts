/** How fast a bucket fills, and how much it holds. */
export interface Rate {
  readonly perSecond: number;
  readonly burst: number;
}

export interface Taken {
  readonly allowed: boolean;
  /** Whole tokens left. */
  readonly remaining: number;
  /** Until there is a token. */
  readonly waitMs: number;
  /** Until it is full. */
  readonly fullMs: number;
}

interface Bucket {
  readonly tokens: number;
  readonly at: number;
}

/** As many as there may be keys and addresses at a time; those longest unused go, and begin full. */
const bucketsKept = 10_000;

/** Token buckets in this process's memory, one a name. */
export class TokenBuckets {
  readonly #buckets = new Map<string, Bucket>();
  readonly #now: () => number;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  look(name: string, rate: Rate): Taken {
    return this.#state(this.#filled(name, rate), rate, true);
  }

  take(name: string, rate: Rate): Taken {
    const tokens = this.#filled(name, rate);
    const allowed = tokens >= 1;
    const left = allowed ? tokens - 1 : tokens;
    this.#buckets.delete(name);
    this.#buckets.set(name, { tokens: left, at: this.#now() });
    const [oldest] = this.#buckets.keys();
    if (this.#buckets.size > bucketsKept && oldest !== undefined) this.#buckets.delete(oldest);
    return this.#state(left, rate, allowed);
  }

  #filled(name: string, { perSecond, burst }: Rate): number {
    const bucket = this.#buckets.get(name);
    if (bucket === undefined) return burst;
    return Math.min(burst, bucket.tokens + ((this.#now() - bucket.at) / 1_000) * perSecond);
  }

  #state(tokens: number, { perSecond, burst }: Rate, allowed: boolean): Taken {
    const msOf = (missing: number) => Math.max(0, (missing / perSecond) * 1_000);
    return { allowed, remaining: Math.floor(tokens), waitMs: msOf(1 - tokens), fullMs: msOf(burst - tokens) };
  }
}
