/** Where one event stands with one sink. */
export const deliveryStates = ['pending', 'delivered', 'dead'] as const;
export type DeliveryState = (typeof deliveryStates)[number];

/** What the store keeps of an event; `accepted` ones have deliveries, which say the rest. */
export type StoredEventState = 'accepted' | 'rejected' | 'not_delivered' | 'delivered_before' | 'test';

/**
 * `not_delivered`: its attempt failed; `delivered_before`: the execution that this one runs again has delivered the
 * same; `test`: it belongs to a test run, which sends nothing.
 */
export const analyticsEventStates = [
  'pending',
  'delivered',
  'dead',
  'rejected',
  'not_delivered',
  'delivered_before',
  'test',
] as const;
export type AnalyticsEventState = (typeof analyticsEventStates)[number];

/** An accepted event is pending until every sink has it, or has given it up. */
export function analyticsStateOf(stored: StoredEventState, deliveries: readonly DeliveryState[]): AnalyticsEventState {
  if (stored !== 'accepted') return stored;
  if (deliveries.includes('pending')) return 'pending';
  return deliveries.includes('dead') ? 'dead' : 'delivered';
}
