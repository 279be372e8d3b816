export interface LlmSettings {
  /** Of any server that speaks one of OpenAI's two APIs; undefined: OpenAI's own. */
  readonly baseUrl: string | undefined;
  readonly apiKey: string | undefined;
  readonly model: string | undefined;
  /** Which of the two: many compatible servers have chat completions only. */
  readonly api: 'responses' | 'chat';
  /** How requests travel; left out: the platform's own, since the operator chose where to. */
  readonly fetch?: (input: string | URL | Request, init?: RequestInit) => Promise<Response>;
}
