import type { Generated } from 'kysely';

export interface IncomingTables {
  timeline_event_counts: TimelineEventCountsTable;
}

/** Sums of `n` are how many timeline events there are; triggers write it (see the migration). */
export interface TimelineEventCountsTable {
  organization_id: string;
  /** '': all events. */
  field: '' | 'source' | 'category' | 'type';
  /** Of that field; '' where all are counted. */
  value: string;
  /** Beginning of the hour of all events, of the day (UTC) of the others. */
  bucket: Date;
  /** Negative where events were deleted. */
  n: number;
  /** Whether rows were summed up in it. */
  summed: Generated<boolean>;
}
