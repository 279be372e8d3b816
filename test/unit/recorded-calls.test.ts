import { describe, expect, it } from 'vitest';
import {
  decideCall,
  updateIdOf,
  type CallEffect,
  type CallState,
  type RecordedCall,
} from '../../src/domain/recorded-calls.ts';

const same = '{"tag":"vip"}';
const other = '{"tag":"gold"}';

function recorded(state: CallState, tryNumber = 1): RecordedCall {
  return { callId: 'call-1', tryNumber, state, argsJson: same };
}

const effects: readonly CallEffect[] = ['read', 'write', 'external'];

describe('a call that was never made', () => {
  it.each(effects)('is made, try 1 (%s)', (effect) => {
    expect(decideCall(undefined, effect, same)).toEqual({ kind: 'make', tryNumber: 1 });
  });
});

describe('a call that was made before, with the same arguments', () => {
  it.each(effects)('answers from the record where the answer was final (%s)', (effect) => {
    for (const state of ['succeeded', 'refused'] as const) {
      const call = recorded(state);
      expect(decideCall(call, effect, same)).toEqual({ kind: 'replay', recorded: call, drifted: false });
    }
  });

  it.each(effects)('is waited for where it was in flight when its worker died (%s)', (effect) => {
    const call = recorded('intent');
    expect(decideCall(call, effect, same)).toEqual({ kind: 'join', recorded: call, drifted: false });
  });

  it.each(effects)('is made again under the next try where it had no answer (%s)', (effect) => {
    expect(decideCall(recorded('transient', 4), effect, same)).toEqual({ kind: 'make', tryNumber: 5 });
  });
});

describe('a call that was made before, with other arguments', () => {
  it.each<CallState>(['intent', 'succeeded', 'refused', 'transient'])(
    'is made anew where it only reads (%s)',
    (state) => {
      expect(decideCall(recorded(state, 2), 'read', other)).toEqual({ kind: 'make', tryNumber: 3 });
    },
  );

  it.each<CallEffect>(['write', 'external'])(
    'is never repeated where it has an effect; the drift shows (%s)',
    (effect) => {
      for (const state of ['succeeded', 'refused'] as const) {
        const call = recorded(state);
        expect(decideCall(call, effect, other)).toEqual({ kind: 'replay', recorded: call, drifted: true });
      }
      const inFlight = recorded('intent');
      expect(decideCall(inFlight, effect, other)).toEqual({ kind: 'join', recorded: inFlight, drifted: true });
    },
  );

  it.each<CallEffect>(['write', 'external'])('is made again where it had no effect yet (%s)', (effect) => {
    expect(decideCall(recorded('transient'), effect, other)).toEqual({ kind: 'make', tryNumber: 2 });
  });
});

describe('the update id', () => {
  it('tells apart executions, helpers, calls of one name and tries', () => {
    const ids = [
      updateIdOf('execution-1', 'add_conversation_tag', 1, 1),
      updateIdOf('execution-2', 'add_conversation_tag', 1, 1),
      updateIdOf('execution-1', 'get_conversation_metadata', 1, 1),
      updateIdOf('execution-1', 'add_conversation_tag', 2, 1),
      updateIdOf('execution-1', 'add_conversation_tag', 1, 2),
      updateIdOf('execution-1', 'add_conversation_tag', 1, 12),
      updateIdOf('execution-1', 'add_conversation_tag', 11, 2),
    ];
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids[0]).toBe('execution-1/add_conversation_tag/1/1');
  });
});
