import type { Attacks } from '../attacks.ts';

const readSecret = 'Deno.readTextFileSync(context.file)';

export const deno: Attacks = {
  'Deno itself': `return ${readSecret};`,
  'the constructor of functions': `return Function(${JSON.stringify(`return (context) => ${readSecret}`)})()(context);`,
  'the constructor of a constructor': `return [].constructor.constructor('return globalThis')().${readSecret};`,
  'Deno as a module sees it': `return (await load(asModule('export default globalThis.Deno'))).default.readTextFileSync(context.file);`,
  'Deno as a module of its own sees it': `const blob = new Blob(['export default globalThis.Deno'], { type: 'text/javascript' });
    return (await load(URL.createObjectURL(blob))).default.readTextFileSync(context.file);`,
  'Deno’s inside':
    'return typeof Deno[Deno.internal].core.ops.op_spawn_child !== "undefined" || Object.keys(Deno[Deno.internal]).length > 0;',
  'Deno’s inside, by its symbol': `const inside = Object.getOwnPropertySymbols(Deno).map((key) => Deno[key]).find((value) => typeof value === 'object');
    return Object.keys(inside).length > 0;`,
  'frames of the runner': [
    `let found; Error.prepareStackTrace = (_, sites) => { found = sites.flatMap((site) => [site.getThis(), site.getFunction()]); };
     new Error().stack; return found.filter(Boolean).map((each) => each.Deno ?? each).find((each) => each.readTextFileSync).readTextFileSync(context.file);`,
    'fails anywhere',
  ],
  'whatever leads to Deno': `const seen = new Set(), open = [globalThis, new Error(), console, fetch, (async () => {})(), (function* () {})()];
    for (let each = open.pop(); each; each = open.pop()) {
      if (seen.has(each)) continue;
      seen.add(each);
      for (const key of Reflect.ownKeys(each)) {
        if (/^(readTextFile|op_\\w+)$/.test(String(key))) return true;
        const { value, get } = Reflect.getOwnPropertyDescriptor(each, key) ?? {};
        open.push(...[value, get].filter((next) => next !== null && ['object', 'function'].includes(typeof next)));
      }
      open.push(...[Reflect.getPrototypeOf(each)].filter(Boolean));
    }
    return seen.size < 1_000;`,
  'its caller': [
    'return (function self() { return self.caller.arguments[0].Deno; })().readTextFileSync(context.file);',
    'fails anywhere',
  ],
  'a permission that it asks for': `return (await Deno.permissions.request({ name: 'read' })).state === 'granted';`,
  'rights from a polluted prototype': [
    `Object.prototype.read = Object.prototype.all = Object.prototype.allowRead = true; Object.prototype.state = 'granted';
     return (await node('fs')).readFileSync(context.file, 'utf8');`,
    'would do harm',
  ],
  'a thread of the web': `return first(new Worker(asModule('postMessage(Deno.readTextFileSync(' + JSON.stringify(context.file) + '))'), { type: 'module' }));`,
  'a thread of Node': `const { Worker } = await node('worker_threads');
    return first(new Worker(new URL(asModule('import { parentPort } from "node:worker_threads"; parentPort.postMessage(Deno.readTextFileSync(' + JSON.stringify(context.file) + '))'))));`,
  'a library by Deno': `return Deno.dlopen('libc.so.6', { getpid: { parameters: [], result: 'i32' } }).symbols.getpid() > 0;`,
  'the environment by Deno': `return Deno.env.get('AFTERWORD_TEST_CANARY');`,
};

export const files: Attacks = {
  'a file': `return (await node('fs')).readFileSync(context.file, 'utf8');`,
  'a file by promises': `return (await node('fs')).promises.readFile(context.file, 'utf8');`,
  'a file as a stream': `return await new Promise(async (resolve, reject) => {
    (await node('fs')).createReadStream(context.file, 'utf8').on('data', resolve).on('error', reject);
  });`,
  'a file through a link': `return (await node('fs')).readFileSync(context.link, 'utf8');`,
  'a file through /proc': `return (await node('fs')).readFileSync('/proc/self/root' + context.file, 'utf8');`,
  'a file as a module':
    `return JSON.stringify((await load('file://' + context.folder + '/secret.json')).default ?? '');`.replace(
      "(await load('file://' + context.folder + '/secret.json'))",
      `(await (0, eval)("import('file://" + context.folder + "/secret.json', { with: { type: 'json' } })"))`,
    ),
  'a file by require': `return JSON.stringify((await node('module')).createRequire('file:///')(context.folder + '/secret.json'));`,
  'a file by fetch': `return (await fetch('file://' + context.file)).text();`,
  'a file into a database': `const { DatabaseSync } = await node('sqlite'); new DatabaseSync(context.folder + '/new').exec('create table a(b)');`,
  'a file attached to a database': `const { DatabaseSync } = await node('sqlite'); const database = new DatabaseSync(':memory:');
    database.exec("attach '" + context.folder + "/new' as other; create table other.a(b)");`,
  'whether a file is there': `return (await node('fs')).statSync(context.file).size > 0;`,
  'where a link leads': `return (await node('fs')).readlinkSync(context.link) === 'secret';`,
  'a folder': `return (await node('fs')).readdirSync('/').length > 0;`,
  'its own environment': `return (await node('fs')).readFileSync('/proc/self/environ', 'utf8').length >= 0;`,
  'its parent’s state': `return (await node('fs')).readFileSync('/proc/' + context.worker + '/status', 'utf8').length > 0;`,
  'a new file': `(await node('fs')).writeFileSync(context.folder + '/new', 'x');`,
  'a new folder': `(await node('fs')).mkdirSync(context.folder + '/new');`,
  'a file in shared memory': `const fs = await node('fs'); fs.writeFileSync('/dev/shm/afterword-' + context.worker, 'x'); fs.rmSync('/dev/shm/afterword-' + context.worker); return true;`,
  'a new link': `(await node('fs')).symlinkSync('/etc/passwd', context.folder + '/new');`,
  'a second name': `(await node('fs')).linkSync(context.file, context.folder + '/new');`,
  'a copy': `(await node('fs')).copyFileSync(context.file, context.folder + '/new');`,
  'another name': `(await node('fs')).renameSync(context.file, context.folder + '/new');`,
  'another mode': `(await node('fs')).chmodSync(context.file, 0o777);`,
  'other times': `(await node('fs')).utimesSync(context.file, 1, 1);`,
  'no length': `(await node('fs')).truncateSync(context.file);`,
  'no file': `(await node('fs')).rmSync(context.file);`,
};

export const world: Attacks = {
  'a request of the web': `return (await fetch('http://127.0.0.1:' + context.port)).text();`,
  'a request of Node': `const { get } = await node('http');
    return await new Promise((resolve, reject) => get('http://127.0.0.1:' + context.port, (answer) => answer.on('data', (data) => resolve(String(data)))).on('error', reject));`,
  'a connection': `const { connect } = await node('net');
    return await new Promise((resolve, reject) => connect(context.port, '127.0.0.1').on('connect', () => resolve(true)).on('error', reject));`,
  'a connection to a Unix socket': `const { connect } = await node('net');
    return await new Promise((resolve, reject) => connect(context.server).on('connect', () => resolve(true)).on('error', reject));`,
  'a datagram': `const socket = (await node('dgram')).createSocket('udp4');
    return await new Promise((resolve, reject) => socket.on('error', reject).send('x', context.port, '127.0.0.1', (error) => error ? reject(error) : resolve(true)));`,
  'a server': `const { createServer } = await node('net');
    return await new Promise((resolve, reject) => createServer().on('error', reject).listen(0, '127.0.0.1', () => resolve(true)));`,
  'a name': `return (await (await node('dns')).promises.lookup('localhost')).address !== '';`,
  'a socket of the web': `return await new Promise((resolve, reject) => {
    const socket = new WebSocket('ws://127.0.0.1:' + context.port); socket.onerror = () => resolve(socket.readyState === 3); setTimeout(reject, 2_000);
  });`,
  'a module from the network': ['return (await load("https://example.com/a.js")).default;', 'depends on the kernel'],
  'a package': ['return (await load("npm:left-pad")).default;', 'depends on the kernel'],
  'a program': `return (await node('child_process')).execFileSync('/bin/echo', [context.secret]).toString();`,
  'a program in a shell': `return (await node('child_process')).execSync('echo ' + context.secret).toString();`,
  'a program beside it': `const child = (await node('child_process')).spawn('/bin/true');
    return await new Promise((resolve, reject) => child.on('exit', (code) => resolve(code === 0)).on('error', reject));`,
  'Deno once more': `return (await node('child_process')).execFileSync(context.deno, ['--version']).toString().startsWith('deno');`,
  'a program by Deno': `return new Deno.Command('/bin/true').outputSync().success;`,
  'a signal for the worker': `return (await node('process')).kill(context.worker, 0);`,
  'its parent’s priority': `(await node('os')).getPriority(context.worker); (await node('os')).setPriority(context.worker, (await node('os')).getPriority(context.worker)); return true;`,
  'the environment': `return String((await node('process')).env.AFTERWORD_TEST_CANARY);`,
  'the machine’s name': `return (await node('os')).hostname() === context.machine;`,
  'the machine’s addresses': `return Object.keys((await node('os')).networkInterfaces()).length > 0;`,
  'the machine’s users': `return (await node('os')).userInfo().username !== '';`,
  'another user': ['(await node("process")).setuid(1); return true;', 'needs privileges'],
  'native code': [
    'return (await node("module")).createRequire("file:///")(context.folder + "/a.node");',
    'fails anywhere',
  ],
  'a debugger': [`(await node('inspector')).open(0); return true;`, 'would do harm'],
};
