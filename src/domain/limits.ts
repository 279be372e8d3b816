/** Every limit of the product, in one place. Sizes are bytes of UTF-8 unless the name says otherwise. */
const KB = 1024;
const MB = 1024 * KB;

export const limits = {
  handlerCodeBytes: 256 * KB,
  handlerNameCharacters: 100,
  attemptMs: 60_000,
  /** At most, before an attempt, for a place among the handlers of a worker. */
  handlerShareWaitMs: 1_000,
  /** The user's share of an attempt; the rest records what happened. */
  handlerWallMs: 59_500,
  handlerCpuSeconds: 60,
  handlerMemoryBytes: 512 * MB,
  /** A handler's own limits may not be lower: with less the runtimes themselves do not start, or say how they ended. */
  leastMemoryMb: 64,
  leastOutputBytes: 1 * KB,
  leastResultBytes: 1 * KB,
  defaultAttempts: 3,
  maxAttempts: 10,
  /** How long after its event a handler may wait: 7 days. */
  maxDelaySeconds: 7 * 24 * 60 * 60,
  /** How long the answer to a test run may take; the run itself has `attemptMs`. */
  testRunWaitSeconds: 120,
  defaultTestRunWaitSeconds: 30,
  /** How long a test run or the invocation of a tool waits for a worker before it is cancelled. */
  directRunStartMs: 10 * 60_000,
  /** Lost workers and broken cages in a row before an execution ends as `worker_lost`. */
  maxLostAttempts: 5,
  /** Handlers of one event that share a workflow: the server allows 10 updates in flight in one. */
  handlersPerWorkflow: 10,
  /** Of the server's, in one workflow: its handlers share them. */
  updatesInFlight: 10,
  helperCallsPerExecution: 190,
  helperCallMs: 60_000,
  /** Outgoing HTTP requests over all attempts of an execution; answers from the record are not counted. */
  httpRequestsPerExecution: 190,
  /** Body of one outgoing request. */
  httpRequestBytes: 1 * MB,
  /** URL and headers of one outgoing request together. */
  httpHeadBytes: 64 * KB,
  /** Body of one answer, as it came over the wire. */
  httpResponseBytes: 5 * MB,
  /** Names and values of an answer's headers together. */
  httpResponseHeadBytes: 16 * KB,
  /** Of an answer's body, as its chunks came: a worker spends a microsecond on each, however short it is. */
  httpResponsePieces: 100_000,
  /** Early hints and the like before an answer: whoever sends nothing else would keep the worker busy. */
  httpInformationalResponses: 100,
  /** One request from its beginning to the last byte of its answer: its handler should still hear of the end. */
  httpRequestMs: 55_000,
  /** Names that a worker looks up at once for requests of handlers: each takes one of Node's four threads. */
  lookupsAtOnce: 3,
  lookupsAtOnceOfOrganization: 2,
  /** In an allow-list or a deny-list. */
  egressPatterns: 200,
  egressPatternCharacters: 300,
  /** HTTP requests of one TypeScript handler that are under way at once; further ones wait in order. */
  requestsInFlight: 6,
  /** Of a request that gives no time itself: to the connection, and for each silence after it. */
  httpDefaultTimeoutMs: 30_000,
  /** All tries of a helper that asks somebody else: less than an attempt, so that the handler still hears of its end. */
  outsideHelperMs: 40_000,
  /** One request of such a helper: less than one try of its activity, 20 s. */
  outsideRequestMs: 17_000,
  llmInputBytes: 200 * KB,
  llmPromptCharacters: 20_000,
  /** What the models' own schemas take. */
  llmOptions: 250,
  llmOptionCharacters: 200,
  sheetColumns: 200,
  /** Of Google's, in one cell. */
  sheetCellCharacters: 50_000,
  /** Of an error's type and message together: what a search for text in errors sees. */
  searchedErrorCharacters: 500,
  /** Executions that one request may run again. */
  rerunsPerRequest: 1_000,
  /** Re-runs of a set that start in a minute. */
  rerunsPerMinute: 600,
  defaultRerunsPerMinute: 60,
  /** In one answer of statistics: a week by minutes needs several. */
  statisticsBuckets: 1_500,
  /** Event streams of one organisation that a server keeps open. */
  streamsPerOrganization: 20,
  /** Then a stream ends and its reader begins where it ended: a revoked key reads no longer than this. */
  streamMs: 10 * 60_000,
  logKeptBytes: 64 * KB,
  outputBytes: 16 * MB,
  resultBytes: 256 * KB,
  callArgumentsBytes: 256 * KB,
  /** Parameters in the list that a tool is invoked with. */
  toolParameters: 1_000,
  /** Analytics events of one attempt. */
  analyticsEvents: 1_000,
  /** All of an attempt's together, as JSON. */
  analyticsEventsBytes: 256 * KB,
  /** Of a value that analytics events are asked for by; one more of each is kept where they are looked up. */
  analyticsFilterCharacters: 500,
  /** Analytics events of one answer, or groups of them. */
  analyticsPage: 1_000,
  defaultAnalyticsPage: 10,
  analyticsOffset: 10_000_000,
  /** Dead letters that are named in a request to send them again. */
  deadLettersNamed: 1_000,
  /** Sinks of an organisation. */
  sinksPerOrganization: 10,
  sinkNameCharacters: 100,
  sinkUrlCharacters: 2_000,
  /** That sign at once: a new one and the one before. */
  webhookSecrets: 2,
  /** As Standard Webhooks has it. */
  webhookSecretBytes: { least: 24, most: 64 },
  caCertificateBytes: 64 * KB,
  /** One event to a datalake. */
  sinkDeadlineMs: { least: 100, usual: 5_000, most: 10_000 },
  /** Entries that go to a datalake with each event. */
  sinkMetadata: 10,
  sinkMetadataNameCharacters: 100,
  sinkMetadataValueCharacters: 8 * KB,
  secretNameCharacters: 64,
  /** Fewer would be found in texts where they stand by chance, and masked there. */
  secretCharactersAtLeast: 8,
  secretBytes: 8 * KB,
  secretsPerOrganization: 200,
  /** That one handler may be granted. */
  secretsPerHandler: 20,
  apiKeyNameCharacters: 100,
  /** That a key's own limit may allow it. */
  keyRequestsPerSecond: 1_000_000,
  /** Keys that one address may get wrong before it waits: one more every `failedKeySeconds`. */
  failedKeys: 30,
  failedKeySeconds: 2,
  organizationNameCharacters: 200,
  idempotencyKeyCharacters: 255,
  /** How long the first answer to an Idempotency-Key is kept. */
  idempotencyHours: 24,
  /** After that long without an answer, its server having died, a request with the same key begins anew. */
  idempotencyClaimMs: 5 * 60_000,
  llmApiKeyCharacters: 1_000,
  llmModelCharacters: 200,
  credentialsBytes: 64 * KB,
  tagCharacters: 100,
  metadataKeyCharacters: 200,
  metadataValueCharacters: 50_000,
  metadataPairs: 200,
  timelineDescriptionCharacters: 1_000,
  timelineEventBytes: 64 * KB,
  timelineEventsPerPage: 1_000,
  conversationMessages: 20_000,
  conversationBytes: 16 * MB,
  messageBytes: 64 * KB,
  /** Of the customer and of the browser session, as JSON. */
  contextObjectBytes: 64 * KB,
  /** Levels of JSON that a publisher, a result or an argument may nest: readers, Python among them, recurse. */
  jsonNesting: 200,
  subjectCharacters: 1_000,
  idCharacters: 200,
  eventsPerRequest: 1_000,
  requestBodyBytes: 20 * MB,
  /** What the direct client may put into a workflow's start argument. */
  startArgumentBytes: 1 * MB,
} as const;
