/** How analytics events are delivered. Tests use shorter times; nobody else sets them. */
export interface DeliveryPolicy {
  /** One event, one try. */
  readonly eventTimeoutMs: number;
  /** One run of the activity; what is left then is for the next. */
  readonly budgetMs: number;
  /** What one worker has taken up belongs to it for this long: more than a run takes. */
  readonly claimMs: number;
  /** After this long the redelivery takes over from the execution's own workflow. */
  readonly firstTriesMs: number;
  /** Between two tries of the redelivery. */
  readonly redeliveryEveryMs: number;
  /** The first try that fails after this is the last. */
  readonly deadAfterMs: number;
  /** How long a sink of an organisation is left alone that took nothing; twice as long each time, up to the longest. */
  readonly firstRestMs: number;
  readonly longestRestMs: number;
  /** What a sink may ask for by `Retry-After`. */
  readonly longestRetryAfterMs: number;
  /** Deliveries to one sink of an organisation that are under way at once on a worker. */
  readonly placesOfSink: number;
  /** Of the redelivery for one sink, before the others have theirs. */
  readonly turnMs: number;
}

export const deliveryPolicy: DeliveryPolicy = {
  eventTimeoutMs: 10_000,
  budgetMs: 90_000,
  claimMs: 150_000,
  firstTriesMs: 5 * 60_000,
  redeliveryEveryMs: 5 * 60_000,
  deadAfterMs: 24 * 60 * 60_000,
  firstRestMs: 1_000,
  longestRestMs: 4 * 60_000,
  longestRetryAfterMs: 60 * 60_000,
  placesOfSink: 3,
  turnMs: 20_000,
};
