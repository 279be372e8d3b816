const base64Of32Bytes = /^[A-Za-z0-9+/_-]{43}=?$/u;
const keyBytes = 32;

/** Keys as the environment writes them: base64 of 32 bytes, commas between several. Undefined where one is none. */
export function secretsKeysOf(text: string): Buffer[] | undefined {
  const parts = text.split(',').map((part) => part.trim());
  const keys = parts.filter((part) => base64Of32Bytes.test(part)).map((part) => Buffer.from(part, 'base64'));
  return keys.length === parts.length && keys.every(({ length }) => length === keyBytes) ? keys : undefined;
}
