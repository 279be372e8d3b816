/** What the workers need, made new for one bench. */
export interface Servers {
  /** Of Temporal's frontend. */
  readonly address: string;
  /** Undefined: the embedded store of the one worker process. */
  readonly databaseUrl: string | undefined;
  /** Of the servers; what they start counts with them. */
  readonly pids: readonly number[];
  /** Worker processes, of ours and of the floor each. */
  readonly workers: number;
  stop(): Promise<void>;
}

/** `folder` is gone after `stop`. */
export type StartServers = (folder: string) => Promise<Servers>;
