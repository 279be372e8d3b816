import { brotliDecompressSync, gunzipSync, inflateSync } from 'node:zlib';
import { sql, type RawBuilder } from 'kysely';
import { z } from 'zod';
import { JsonValue } from '../contract/json.ts';
import { shownHeader } from '../domain/secret-headers.ts';

/** A request or an answer that is longer is shown without its body: an execution may have 190 of 5 MB each. */
const mostShownBytes = 64 << 10;

/** What is shown of the arguments or the answer of a call: of an HTTP request with a long body all but that. */
export function shownJson(column: 'args' | 'answer'): RawBuilder<string> {
  const json = sql.ref(`calls.${column}`);
  return sql<string>`
    case when octet_length(${json}) <= ${mostShownBytes}::integer or position(' ' in calls.name) = 0 then ${json}
    else (${json}::jsonb - 'body' - 'bodyBase64' || jsonb_build_object('omittedBytes', octet_length(${json})))::text end`;
}

const Headers = z.array(z.tuple([z.string(), z.string()]));

const decompressors: Readonly<Record<string, (packed: Buffer, options: { maxOutputLength: number }) => Buffer>> = {
  gzip: gunzipSync,
  deflate: inflateSync,
  br: brotliDecompressSync,
};

/** The answer to a request as people can read it, where its body came compressed; else as it is. */
export function readable(recorded: JsonValue): JsonValue {
  if (typeof recorded !== 'object' || recorded === null || Array.isArray(recorded)) return recorded;
  const headers = Headers.safeParse(recorded.headers);
  if (!headers.success) return recorded;
  const { bodyBase64, ...others } = recorded;
  // The record has them whole, for a retry: cookies that were set, for one.
  const rest = { ...others, headers: headers.data.map(shownHeader) };
  const answer = bodyBase64 === undefined ? rest : { ...rest, bodyBase64 };
  if (typeof bodyBase64 !== 'string') return answer;
  const encoding = headers.data.find(([name]) => name === 'content-encoding')?.[1] ?? '';
  try {
    const body = decompressors[encoding]?.(Buffer.from(bodyBase64, 'base64'), { maxOutputLength: mostShownBytes });
    return body === undefined ? answer : { ...rest, body: body.toString('utf8') };
  } catch {
    return answer; // not what its header says, or very long
  }
}

/**
 * The answer of a call (JSON) as it is written down where it has to be masked: readable, since what is compressed hides
 * what is in it, and without a long body.
 */
export function shownAnswer(answerJson: string): JsonValue {
  const shown = readable(JsonValue.parse(JSON.parse(answerJson)));
  if (typeof shown !== 'object' || shown === null || Array.isArray(shown)) return shown;
  const headers = Headers.safeParse(shown.headers).data;
  if (headers === undefined) return shown;
  const { body: _body, bodyBase64, ...head } = shown;
  const isPacked = bodyBase64 !== undefined && headers.some(([name]) => name === 'content-encoding');
  const isLong = Buffer.byteLength(JSON.stringify(shown)) > mostShownBytes;
  return isPacked || isLong ? { ...head, omittedBytes: Buffer.byteLength(answerJson) } : shown;
}
