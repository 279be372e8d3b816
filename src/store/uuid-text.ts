const uuidPattern = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Whether the text may be compared with a `uuid` column: PostgreSQL refuses the whole statement for any other. */
export function isUuid(text: string): boolean {
  return uuidPattern.test(text);
}
