import { type Keyring, noKeyring } from '../secrets/keyring.ts';
import { type CallPrivacy, callPrivacyOf, openArguments, openCalls } from './call-privacy.ts';

export interface PrivacyOfCall {
  readonly privacy: CallPrivacy;
  /** What the arguments really are; left out where they are what the record shows. */
  readonly argsJson?: string;
}

/** How the answer of a recorded call is to be written down, wherever it is worked on. Throws where its key is not here. */
export function privacyOfCall(
  keys: Keyring | undefined,
  organizationId: string,
  callId: string,
  sealedArgs: string | null,
): PrivacyOfCall {
  if (sealedArgs === null) return { privacy: openCalls };
  const { argsJson, masks } = openArguments(keys ?? noKeyring, organizationId, callId, sealedArgs);
  return { privacy: callPrivacyOf(keys ?? noKeyring, organizationId, masks), argsJson };
}
