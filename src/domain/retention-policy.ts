/** How many days things are kept; undefined: for ever. */
export interface RetentionPolicy {
  /** Output and calls of executions that have ended. */
  readonly recordDays: number | undefined;
  /** Messages of conversations in which nothing happens any more. */
  readonly messageDays: number | undefined;
  readonly analyticsDays: number | undefined;
  /** Events with their executions; until then the same event again runs nothing. */
  readonly eventDays: number | undefined;
  readonly auditDays: number | undefined;
}

/** Publishers may send an event again for a year and more. */
export const leastEventDays = 400;
export const defaultRecordDays = 30;

export const keepAll: RetentionPolicy = {
  recordDays: undefined,
  messageDays: undefined,
  analyticsDays: undefined,
  eventDays: undefined,
  auditDays: undefined,
};
