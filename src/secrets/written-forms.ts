/**
 * The ways in which a secret may stand in a text: as it is, escaped as in JSON or Python's `repr`, percent-encoded by whom
 * so ever, and as a part of something that is base64. Each of them is at least as long as the secret.
 */
export function writtenForms(secret: string): Set<string> {
  const json = JSON.stringify(secret).slice(1, -1);
  // What is encoded is often JSON.
  const encoded = [...new Set([secret, json])].flatMap((text) => [...percentEncoded(text), ...base64Encoded(text)]);
  return new Set([secret, json, ...escaped(secret, json), ...encoded]);
}

function escaped(secret: string, json: string): string[] {
  const ascii = json.replace(/[^\x20-\x7e]/gu, (character) =>
    Array.from({ length: character.length }, (_, index) => unicodeEscape(character.charCodeAt(index))).join(''),
  );
  const python = secret.replace(/[\\\n\r\t]/gu, (character) => pythonEscapes[character] ?? character);
  return [ascii, json.replaceAll('/', '\\/'), python];
}

const pythonEscapes: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' };

function unicodeEscape(code: number): string {
  return `\\u${code.toString(16).padStart(4, '0')}`;
}

/** What each of those who encode URLs encodes. */
const changed = [
  // Python's quote(safe='')
  /[^A-Za-z0-9_.~-]+/gu,
  // and without it
  /[^A-Za-z0-9_.~/-]+/gu,
  // encodeURIComponent
  /[^A-Za-z0-9_.~!*'()-]+/gu,
  // `requests`, where a URL is handed to it
  /[^A-Za-z0-9_.~!#$%&'()*+,/:;=?@[\]-]+/gu,
  // `new URL`, path and query
  /[^A-Za-z0-9_.~!$%&'()*+,/:;=@[\]\\|-]+/gu,
  /[^A-Za-z0-9_.~!$%&()*+,/:;=?@[\]\\|^`{}-]+/gu,
] as const;

/** As forms are written: URLSearchParams, Python's quote_plus. */
const changedInForms = [/[^A-Za-z0-9*._-]+/gu, /[^A-Za-z0-9_.~-]+/gu] as const;

function percentEncoded(text: string): string[] {
  const forms = [
    ...changed.map((pattern) => text.replace(pattern, bytesEncoded)),
    ...changedInForms.map((pattern) => text.replace(pattern, bytesEncoded).replaceAll('%20', '+')),
  ];
  return forms.flatMap((form) => [form, form.replace(/%[0-9A-F]{2}/gu, (byte) => byte.toLowerCase())]);
}

function bytesEncoded(text: string): string {
  return Buffer.from(text).toString('hex').toUpperCase().replace(/../gu, '%$&');
}

/**
 * Three bytes become four letters, so where the secret begins within its three decides what it looks like. Of the first
 * and last letters only those count that the secret alone makes.
 */
function base64Encoded(text: string): string[] {
  const bytes = Buffer.from(text);
  return [0, 1, 2].flatMap((before) => {
    const bits = 8 * (before + bytes.length);
    const letters = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64');
    const standard = letters.slice(Math.ceil((8 * before) / 6), Math.floor(bits / 6));
    const inUrl = standard.replaceAll('+', '-').replaceAll('/', '_');
    const percent = standard.replaceAll('+', '%2B').replaceAll('/', '%2F');
    return [standard, inUrl, percent, percent.replaceAll('%2B', '%2b').replaceAll('%2F', '%2f')];
  });
}
