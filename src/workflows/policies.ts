import { ActivityCancellationType } from '@temporalio/workflow';
import type { ActivityOptions, LocalActivityOptions } from '@temporalio/workflow';
import { limits } from '../domain/limits.ts';

/**
 * One handler, once, after its wait for a place. No schedule-to-close bound: what was accepted waits in the queue for a worker. No bound on the
 * attempts here: the activity itself decides, since the user's failures count and lost workers do not.
 */
export const runHandlerOptions = {
  startToCloseTimeout: limits.handlerShareWaitMs + limits.attemptMs,
  heartbeatTimeout: '10 s',
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  retry: { initialInterval: '1 s', backoffCoefficient: 2, maximumInterval: '30 s' },
} satisfies ActivityOptions;

/** One helper call: every try and pause inside 60 s. */
export const helperOptions = {
  startToCloseTimeout: '20 s',
  scheduleToCloseTimeout: '60 s',
  retry: { initialInterval: '250 ms', backoffCoefficient: 2, maximumInterval: '5 s' },
} satisfies ActivityOptions;

/**
 * Analytics events of one execution: 5 minutes of tries, then what is left waits for the redelivery. A try ends by
 * itself after a minute and a half and a last timeout.
 */
export const deliverOptions = {
  startToCloseTimeout: '2 minutes',
  scheduleToCloseTimeout: '5 minutes',
  retry: { initialInterval: '1 s', backoffCoefficient: 2, maximumInterval: '30 s' },
} satisfies ActivityOptions;

/** What an earlier one could not deliver, the next scheduled one tries again. */
export const redeliverOptions = {
  startToCloseTimeout: '2 minutes',
  scheduleToCloseTimeout: '5 minutes',
} satisfies ActivityOptions;

/** Opening and settling are short statements on the store; while it is away they wait for it. */
export const storeOptions = {
  startToCloseTimeout: '10 s',
  retry: { initialInterval: '100 ms', backoffCoefficient: 2, maximumInterval: '10 s' },
} satisfies LocalActivityOptions;

/** It says after each batch that it lives; what is left after an hour is for the next day. */
export const retentionOptions = {
  startToCloseTimeout: '1 hour',
  heartbeatTimeout: '1 minute',
  retry: { maximumAttempts: 3 },
} satisfies ActivityOptions;
