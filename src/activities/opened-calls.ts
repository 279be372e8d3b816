import type { Keyring } from '../secrets/keyring.ts';
import type { Mask } from '../secrets/masker.ts';
import type { Ledger, LedgerCall } from '../store/execution-ledger/calls.ts';
import { openArguments } from './call-privacy.ts';

/** A call with what its arguments and its answer really were. Throws where the key for it is not here. */
export function openCall(keys: Keyring, organizationId: string, call: LedgerCall): LedgerCall {
  return openWithMasks(keys, organizationId, call).call;
}

/** The same for a whole record; and what was masked when it was made, for what it answers may hold it. */
export function openLedger(
  keys: Keyring,
  organizationId: string,
  { calls, made }: Ledger,
): { readonly ledger: Ledger; readonly masks: readonly Mask[] } {
  const opened = calls.map((call) => openWithMasks(keys, organizationId, call));
  const masks = new Map(opened.flatMap((one) => one.masks).map((mask) => [`${mask.label}\0${mask.value}`, mask]));
  return { ledger: { calls: opened.map(({ call }) => call), made }, masks: [...masks.values()] };
}

function openWithMasks(
  keys: Keyring,
  organizationId: string,
  call: LedgerCall,
): { readonly call: LedgerCall; readonly masks: readonly Mask[] } {
  const { callId, sealedArgs = null, sealedAnswer = null } = call;
  const { argsJson, masks } =
    sealedArgs === null
      ? { argsJson: call.argsJson, masks: [] }
      : openArguments(keys, organizationId, callId, sealedArgs);
  const answerJson =
    sealedAnswer === null ? call.answerJson : keys.open(sealedAnswer, ['answer', organizationId, callId]);
  return { call: { ...call, argsJson, answerJson, sealedArgs: null, sealedAnswer: null }, masks };
}
