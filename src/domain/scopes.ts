/** Of one organisation, what a key may do: see `scopes`. */
export const organizationScopes = ['read', 'publish', 'write', 'admin'] as const;

/**
 * What an API key may do. `read`: every GET; `publish`: what a platform sends; `write`: what people do with handlers and
 * executions; `admin`: keys, secrets, egress, erasure, and all of these. `operator`: make organisations; only the
 * operator's own key has it, and nobody can give it by HTTP.
 */
export const scopes = [...organizationScopes, 'operator'] as const;
export type Scope = (typeof scopes)[number];

/** `admin` may do everything in its organisation; who may `write` may `read`. */
export function allows(granted: readonly Scope[], needed: Scope): boolean {
  if (granted.includes(needed)) return true;
  if (needed === 'operator') return false;
  return granted.includes('admin') || (needed === 'read' && granted.includes('write'));
}
