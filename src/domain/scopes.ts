/**
 * What an API key may do. `read`: every GET; `publish`: what a platform sends; `write`: what people do with handlers and
 * executions; `admin`: keys, secrets, egress, erasure, and all the others.
 */
export const scopes = ['read', 'publish', 'write', 'admin'] as const;
export type Scope = (typeof scopes)[number];

/** `admin` may do everything; who may `write` may `read`. */
export function allows(granted: readonly Scope[], needed: Scope): boolean {
  if (granted.includes('admin') || granted.includes(needed)) return true;
  return needed === 'read' && granted.includes('write');
}
