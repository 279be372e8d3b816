import { AfterwordError } from './errors.ts';

export function isFreeOfRepeats(types: readonly string[]): boolean {
  return new Set(types).size === types.length;
}

/** What is wrong with the types that cancel a handler for events of `eventType`. */
export function cancelOnFault(eventType: string, cancelOn: readonly string[] = []): string | undefined {
  return cancelOn.includes(eventType)
    ? `names ${eventType}, the handler’s own type: another event of it runs the handler again and cancels nothing`
    : undefined;
}

/** Throws `invalid_handler`. */
export function refuseOwnType(eventType: string, cancelOn: readonly string[] | undefined): void {
  const fault = cancelOnFault(eventType, cancelOn);
  if (fault === undefined) return;
  throw new AfterwordError('invalid_handler', `cancelOn ${fault}.`, {
    fields: [{ field: 'settings.cancelOn', message: fault }],
  });
}
