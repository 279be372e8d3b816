/**
 * Points between which a worker can die. Tests stop a worker at one of them and kill it there; in production nobody
 * listens.
 */
export type CheckpointName =
  | 'open:before'
  | 'open:after'
  | 'begin:before'
  | 'begin:after'
  | 'intent:before'
  | 'intent:after'
  | 'helper:before'
  | 'helper:unrecorded'
  | 'helper:recorded'
  | 'answer:read'
  | 'request:unrecorded'
  | 'request:recorded'
  | 'finish:before'
  | 'finish:after'
  | 'settle:before'
  | 'settle:after';

export interface CheckpointSubject {
  readonly executionId?: string;
  /** `add_conversation_tag/1`: the call and which of its name. */
  readonly call?: string;
  readonly callId?: string;
  readonly runId?: string;
}

export type Checkpoint = (name: CheckpointName, subject: CheckpointSubject) => Promise<void>;
