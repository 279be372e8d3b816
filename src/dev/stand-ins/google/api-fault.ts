import type { Reply } from '../stand-in-server.ts';

/** An error as Google answers it (AIP-193). */
export class ApiFault extends Error {
  readonly reply: Reply;

  constructor(status: number, name: string, message: string, reason?: string) {
    super(message);
    this.reply = googleError(status, name, message, reason);
  }
}

export function googleError(status: number, name: string, message: string, reason?: string): Reply {
  const details =
    reason === undefined
      ? {}
      : {
          details: [{ '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason, domain: 'googleapis.com' }],
        };
  return { status, body: { error: { code: status, message, status: name, ...details } } };
}
