// @ts-nocheck -- written for Deno, whose types are not here
// Runs one attack in Deno with all permissions, so that it is seen that it is one: attack and context come as arguments.
const [attack, json] = Deno.args;
globalThis.context = JSON.parse(json);
try {
  const got = await (0, eval)(`(async () => {\n${attack}\n})()`);
  console.log(
    got === true || (typeof got === 'string' && got.includes(context.secret)) ? 'through' : `contained: ${got}`,
  );
} catch (error) {
  console.log(`contained: ${error}`);
}
Deno.exit(0);
