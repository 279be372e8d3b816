import { describe, expect, it } from 'vitest';
import {
  eventStatusOf,
  executionStatuses,
  failureReasons,
  isFinal,
  mayRetry,
  type EventStatus,
  type ExecutionStatus,
} from '../../src/domain/status.ts';

describe('the status of an event', () => {
  it.each<[ExecutionStatus[], EventStatus]>([
    [[], 'no_handlers'],
    [['succeeded'], 'succeeded'],
    [['succeeded', 'succeeded'], 'succeeded'],
    [['failed'], 'failed'],
    [['timed_out'], 'failed'],
    [['failed', 'cancelled'], 'failed'],
    [['timed_out', 'cancelled'], 'failed'],
    [['cancelled'], 'cancelled'],
    [['cancelled', 'cancelled'], 'cancelled'],
    [['succeeded', 'failed'], 'partly'],
    [['succeeded', 'timed_out'], 'partly'],
    [['succeeded', 'cancelled'], 'partly'],
    [['waiting'], 'running'],
    [['running', 'succeeded'], 'running'],
    [['failed', 'waiting'], 'running'],
    [['cancelled', 'running'], 'running'],
  ])('of %j is %s', (statuses, status) => {
    expect(eventStatusOf(statuses)).toBe(status);
    expect(eventStatusOf(statuses.toReversed())).toBe(status);
  });
});

it('exactly waiting and running executions go on', () => {
  expect(executionStatuses.filter((status) => !isFinal(status))).toEqual(['waiting', 'running']);
});

describe('a failed attempt', () => {
  const retried = ['raised', 'exited', 'out_of_memory', 'crashed'];

  it.each(failureReasons)('for %s is tried again only where another try can help', (reason) => {
    expect(mayRetry(reason, 1, 3)).toBe(retried.includes(reason));
  });

  it('that ran out of time is tried again', () => {
    expect(mayRetry(null, 1, 3)).toBe(true);
  });

  it.each([
    [1, 1, false],
    [1, 2, true],
    [2, 3, true],
    [3, 3, false],
    [9, 10, true],
    [10, 10, false],
    [4, 3, false],
  ])('number %i of %i: another one follows: %s', (userFailures, attempts, again) => {
    expect(mayRetry('raised', userFailures, attempts)).toBe(again);
    expect(mayRetry(null, userFailures, attempts)).toBe(again);
  });
});
