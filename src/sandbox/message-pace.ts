/** One message costs the host some 7 µs: at this pace a handler takes 7 % of the event loop at most. */
const messagesPerMs = 10;
const burst = 5_000;

/** How fast one handler may talk: a token bucket. */
export class MessagePace {
  #tokens = burst;
  #at = 0;

  /** Takes note of messages that have come; how long to wait before listening again, 0 for not at all. */
  take(messages: number, nowMs: number): number {
    this.#tokens = Math.min(burst, this.#tokens + (nowMs - this.#at) * messagesPerMs) - messages;
    this.#at = nowMs;
    return this.#tokens < 0 ? -this.#tokens / messagesPerMs : 0;
  }
}
