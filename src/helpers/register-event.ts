import type { CageHelper } from './helper.ts';

/** Answered in the cage: what is registered travels with the end of the attempt. */
export const registerEvent: CageHelper = {
  name: 'register_event',
  summary:
    'Registers an analytics event, an Event of the Weni toolkit or a dict; delivered when the handler has succeeded.',
  pythonParams: 'event',
  typescript: { params: 'event: AnalyticsEvent', returns: 'void' },
  effect: 'read',
  inTestRun: 'The event is kept with the execution and delivered nowhere.',
  answeredIn: 'cage',
  docs: {
    params: { event: 'an `Event` of the Weni toolkit, or a dict with its six keys' },
    returns: '`None`',
    errors: {},
    notes: ['Only the events of the attempt that succeeded are delivered.'],
  },
};
