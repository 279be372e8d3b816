// @ts-nocheck -- written for Deno, whose types are not here
// What attacks in TypeScript have at hand, in the cage and outside of it: each is the body of an async function. It got through when
// it answers true, or a text that holds what it was to get. `context`: see escapes.test.ts.
Object.assign(globalThis, {
  // Modules of Node's by another way than `import`, which a handler may not write. They look for Deno, which is not there.
  async node(name) {
    if (context.caged) {
      globalThis.Deno = new Proxy(function () {}, {
        get: (_, key) => (typeof key === 'symbol' ? () => '' : globalThis.Deno),
        apply: () => globalThis.Deno,
        construct: () => globalThis.Deno,
      });
    }
    return (0, eval)(`import('node:${name}')`);
  },
  asModule(program) {
    return `data:text/javascript,${encodeURIComponent(program)}`;
  },
  load(address) {
    return (0, eval)(`import(${JSON.stringify(address)})`);
  },
  // What a thread says first.
  first(worker) {
    return new Promise((resolve, reject) => {
      worker.onmessage = ({ data }) => resolve(data);
      worker.onerror = reject;
      worker.on?.('message', resolve);
      worker.on?.('error', reject);
    });
  },
});
