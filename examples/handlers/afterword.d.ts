// What TypeScript handlers are written with. Made by `afterword types`: edits are lost.

type JsonValue = string | number | boolean | null | JsonValue[] | { [key: string]: JsonValue };
type JsonObject = { [key: string]: JsonValue };

type EventType = 'conversation_closed' | 'conversation_handed_off' | 'conversation_reopened';

interface Message {
  id?: string;
  sender: 'customer' | 'bot' | 'agent';
  timestamp: string;
  content: string;
  channel: string;
  attachments?: JsonValue[];
}

/** What a handler is told of the event: its first parameter. */
interface Context<Type extends EventType = EventType> {
  args: {
    event_type: Type;
    /** The publisher’s id of the event. */
    event_id: string;
    /** ISO 8601, UTC. */
    occurred_at: string;
    /** From 1; it grows with every try, also after a lost worker. */
    attempt: number;
    /** Who closed it or handed it off, where the event says it. */
    actor?: 'agent' | 'bot' | 'automation';
  };
  /** As it was when the event was received. */
  conversation: {
    id: string;
    publicId: string;
    subject: string;
    businessSlug: string;
    initialChannel: string | null;
    latestChannel: string | null;
    /** Oldest first. */
    messages: Message[];
  };
  business: {
    name: string;
    slug: string;
  };
  customer: JsonObject | null;
  /** Those that the handler’s setting `secrets` names. Masked in whatever it prints or returns. */
  secrets: Record<string, string>;
  /** Only for web chat. */
  browser_session?: JsonObject;
}

/** A conversation was closed, by an agent, the bot or an automation. */
type ClosedContext = Context<'conversation_closed'>;

/** The bot handed a conversation off to a person. */
type HandedOffContext = Context<'conversation_handed_off'>;

/** A closed conversation was opened again by a reply. */
type ReopenedContext = Context<'conversation_reopened'>;

/** A timeline event, for `addConversationEvent`. `timestamp` is ISO 8601 with an offset; without one it is now. */
interface TimelineEventFields {
  timestamp?: string;
  session_id?: string | null;
  conversation_id?: string | null;
  source?: string | null;
  source_id?: string | null;
  category?: string | null;
  type?: string | null;
  user_id?: string | null;
  description?: string | null;
  attributes?: Record<string, JsonValue> | null;
}

/**
 * For `registerEvent`; what is left out is filled in. `value_type` is `string`, `int`, `bool` or `list`; `value`
 * must not be null.
 */
interface AnalyticsEvent {
  event_name?: string;
  key: string;
  date?: string;
  project?: string;
  contact_urn?: string;
  value_type: string;
  value: JsonValue;
  metadata?: JsonObject;
}

/**
 * What the platform does for a handler: its second parameter. Wrong arguments and failures reject with a
 * `HelperError`.
 */
interface Helpers {
  /**
   * Adds a tag to the conversation; the tag is created where it does not exist. Adding it twice changes nothing.
   * @param tag a text of 1 to 100 characters
   * @returns `{success, message, tagId}`
   */
  addConversationTag(tag: string): Promise<{ success: boolean; message: string; tagId: string }>;

  /**
   * Stores a text under a key on the conversation, over what was there; every handler of it can read it.
   * @param key a text of 1 to 200 characters
   * @param value a text of at most 50,000 characters; it may be empty
   * @returns `{success, message, key, value}`
   * @throws HelperError `limit_exceeded`: the conversation already holds 200 other keys
   */
  setConversationMetadata(key: string, value: string): Promise<{ success: boolean; message: string; key: string; value: string }>;

  /**
   * The text stored under a key on the conversation, or null.
   * @param key a text of 1 to 200 characters
   * @returns the text, or `null`
   */
  getConversationMetadata(key: string): Promise<string | null>;

  /**
   * Removes a key and its text from the conversation; success is false where there was no such key.
   * @param key a text of 1 to 200 characters
   * @returns `{success, message}`; where there is no such key `success` is `false` and the message "Key not found"
   */
  deleteConversationMetadata(key: string): Promise<{ success: boolean; message: string }>;

  /**
   * Writes an entry into the conversation's timeline: a text, or an object with the fields of a timeline event.
   * @param event a text of at most 1,000 characters, which becomes the description, or an object with the fields
   * below
   * @returns `{success, message, eventId}`
   * @throws HelperError `limit_exceeded`: the event takes more than 64 KB of JSON
   */
  addConversationEvent(event: string | TimelineEventFields): Promise<{ success: boolean; message: string; eventId: string }>;

  /**
   * Asks an LLM a yes-or-no question about a text or other data.
   * @param prompt what to decide: a text of 1 to 20,000 characters
   * @param input what to decide it about: a text, or anything else that is JSON; at most 200 KB
   * @param fallback `true` or `false`: the answer where the LLM gives none; `null`: then it throws
   * @returns `true` (yes) or `false` (no)
   * @throws HelperError `limit_exceeded`: the input takes more than 200 KB
   * @throws HelperError `llm_not_configured`: the worker knows no LLM, and there is no fallback
   * @throws HelperError `llm_failed`: the LLM said no for good, refused, or its answer is none of those allowed,
   * and there is no fallback
   * @throws HelperError `helper_unavailable`: the LLM could not be reached, was overloaded or too slow, and there
   * is no fallback
   */
  llmClassifyBinary(prompt: string, input: unknown, fallback?: boolean | null): Promise<boolean>;

  /**
   * Lets an LLM choose one of several options for a text or other data.
   * @param prompt what to decide: a text of 1 to 20,000 characters
   * @param input what to decide it about: a text, or anything else that is JSON; at most 200 KB
   * @param options a list of 2 to 250 different texts of 1 to 200 characters
   * @param fallback one of the options: the answer where the LLM gives none; `null`: then it throws
   * @returns one of the options, never anything else
   * @throws HelperError `limit_exceeded`: the input takes more than 200 KB
   * @throws HelperError `llm_not_configured`: the worker knows no LLM, and there is no fallback
   * @throws HelperError `llm_failed`: the LLM said no for good, refused, or its answer is none of those allowed,
   * and there is no fallback
   * @throws HelperError `helper_unavailable`: the LLM could not be reached, was overloaded or too slow, and there
   * is no fallback
   */
  llmClassifyCategory(prompt: string, input: unknown, options: string[], fallback?: string | null): Promise<string>;

  /**
   * Appends a row to the first sheet of a Google spreadsheet, values placed by the names in its row 1.
   * @param sheetId the spreadsheet's id, as in its address between `/d/` and `/edit`
   * @param data an object of 1 to 200 columns, by the names in row 1; each value a text of at most 50,000
   * characters, a number, `true`, `false` or `null` (blank), at least one of them not blank
   * @returns `{success, updatedRange}`, such as `Sheet1!A5:C5`
   * @throws HelperError `google_not_configured`: the worker knows no Google account
   * @throws HelperError `google_refused`: Google does not take the credentials, the Sheets API is off, or the
   * request is wrong
   * @throws HelperError `sheet_not_found`: no spreadsheet has this id
   * @throws HelperError `sheet_not_shared`: the service account may not edit it; the message names its address
   * @throws HelperError `sheet_protected`: the row would stand in a protected range
   * @throws HelperError `sheet_header_invalid`: row 1 is empty although there are rows below, or has the same name
   * twice
   * @throws HelperError `sheet_column_unknown`: row 1 does not have a name of the data; the message lists those
   * there are
   * @throws HelperError `helper_unavailable`: Google could not be reached, or its quota is used up
   */
  addGoogleSheetsRow(sheetId: string, data: Record<string, string | number | boolean | null>): Promise<{ success: boolean; updatedRange: string }>;

  /**
   * Whether a date, or today, is a public holiday in a country, state or region.
   * @param country a code of ISO 3166 such as `US`, in any letter case; 207 countries are known
   * @param state a code such as `NY`, or `null`: then only holidays of the whole country count
   * @param region a code within the state such as `NO` (New Orleans), or `null`
   * @param checkDate a date as ISO 8601 text such as `2026-12-25`. Of a time with an offset
   * (`2026-12-25T03:00:00Z`) the date that it is at the place counts, of a time without one the date that is
   * written. `null`: today at the place
   * @returns `true` or `false`
   * @throws HelperError `invalid_arguments`: the country, state or region is not known (the message lists those
   * that are), or the date does not exist
   */
  isHoliday(country: string, state?: string | null, region?: string | null, checkDate?: string | null): Promise<boolean>;

  /**
   * Registers an analytics event; delivered when the handler has succeeded.
   * @param event an object with its six keys
   */
  registerEvent(event: AnalyticsEvent): Promise<void>;

  /**
   * Every function that a handler can call, with its signature and what it does.
   * @returns a list of `{name, signature, description}`
   */
  listPredefinedFunctions(): Promise<{ name: string; signature: string; description: string }[]>;
}

/** A helper was refused or failed. `code` is stable and meant for code, the message for people. */
declare class HelperError extends Error {
  readonly code: 'invalid_arguments' | 'limit_exceeded' | 'helper_unavailable' | 'llm_not_configured' | 'llm_failed' | 'google_not_configured' | 'google_refused' | 'sheet_not_found' | 'sheet_not_shared' | 'sheet_protected' | 'sheet_header_invalid' | 'sheet_column_unknown' | (string & {});
  constructor(message: string, code?: string);
}

/** What a file exports as `handleEvent`; what it returns is kept and must be JSON. */
type EventHandler<Type extends EventType = EventType> = (context: Context<Type>, helpers: Helpers) => unknown;
