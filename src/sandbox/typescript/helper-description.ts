import type { SandboxHelper } from '../sandbox.ts';

/** `add_conversation_tag` is `addConversationTag` in TypeScript. */
export function camelCase(name: string): string {
  return name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** `addConversationTag(tag: string): Promise<…>` */
export function typeScriptSignature({ name, typescript }: Pick<SandboxHelper, 'name' | 'typescript'>): string {
  return `${camelCase(name)}(${typescript.params}): Promise<${typescript.returns}>`;
}

/** A helper as Deno's runner is told of it: arguments come by position and leave by the host's names. */
export function describeForTypeScript(helper: SandboxHelper): object {
  const params = helper.pythonParams
    .split(',')
    .map((param) => param.trim())
    // Helpers act on the execution's own conversation: TypeScript hands over no context.
    .filter((param) => param !== '' && param !== 'context')
    .map((param) => {
      const [hostName = ''] = param.split('=');
      return { name: camelCase(hostName), hostName, optional: param.includes('=') };
    });
  const { name: hostName, summary } = helper;
  return { name: camelCase(hostName), hostName, params, signature: typeScriptSignature(helper), summary };
}
