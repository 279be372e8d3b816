/** Ends of paths that say themselves what is done. */
const verbs: ReadonlySet<string> = new Set([
  ...['enable', 'disable', 'rollback', 'deploy', 'validate', 'cancel', 'rerun', 'resend', 'test', 'stream'],
]);
const methodVerbs: Readonly<Record<string, string>> = {
  POST: 'create',
  PUT: 'set',
  PATCH: 'change',
  DELETE: 'delete',
};

/** `handlers.enable`, `secrets.set`, `handlers.draft.delete`: from the method and the path as it was declared. */
export function actionOf(method: string, path: string): string {
  const names = path
    .replace(/^\/api\/v1\//u, '')
    .split('/')
    .filter((part) => part !== '' && !/^[:{]/u.test(part));
  const isVerb = method === 'POST' && verbs.has(names.at(-1) ?? '');
  return [...names, ...(isVerb ? [] : [methodVerbs[method] ?? method.toLowerCase()])].join('.');
}
