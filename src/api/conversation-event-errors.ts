import { eventFault } from '../contract/event-fault.ts';
import { checkInput } from './validation.ts';

/** The check of a published event. */
export function checkEventInput(checked: Parameters<typeof checkInput>[0]): undefined {
  if (!checked.success) throw eventFault(checked.data, 'body');
  checkInput(checked);
}
