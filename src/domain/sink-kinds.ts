/** What an organisation can have its analytics events sent to. */
export const sinkKinds = ['datalake', 'webhook'] as const;
export type SinkKind = (typeof sinkKinds)[number];
