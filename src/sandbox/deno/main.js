// Runs one handler: started ahead of time, waits for it on the connection, evaluates it, calls its entry point, reports
// what came of it and ends. Started by the fork server inside the cage, never imported.

import { RegisteredEvents } from './analytics-events.js';
import { Channel } from './channel.js';
import { describeFailure, handlerFile, Refusal, showUserFrames, syntaxError } from './failure.js';
import { makeFetch } from './fetch.js';
import { HelperError, makeHelpers } from './helpers.js';
import { Host, isOwnRejection } from './host.js';
import { NotJson, toJson } from './strict-json.js';
import { define, installAbsences, installConsole, seedRandom } from './surroundings.js';

/** @import { ConsoleConstructor, ExecMessage } from './deno.d.ts' */

const entryPoint = 'handleEvent';
const encoder = new TextEncoder();
const evaluate = globalThis.eval;
const { Console } = /** @type {{ Console: ConsoleConstructor }} */ (Reflect.get(Deno, Deno.internal));

const channel = new Channel();
/** @type {ExecMessage} */
const exec = await channel.readMessage();
const context = JSON.parse(await channel.readText(exec.contextBytes));
const host = new Host(channel, exec);
const events = new RegisteredEvents(exec);
const helpers = makeHelpers(host, exec, events);

define('fetch', makeFetch(host, exec));
define('HelperError', HelperError);
seedRandom(exec.randomSeed);
installConsole(Console, channel);
installAbsences((code, how) => {
  const text = `The handler left by ${how}(${code === undefined ? '' : String(code)}).`;
  throw fail(
    new Refusal(
      'exited',
      'Exit',
      `${text} End a handler by returning from ${entryPoint}, or throw an error to report a failure.`,
    ),
  );
});
showUserFrames(exec.linesBefore);
addEventListener('unhandledrejection', (event) => {
  if (isOwnRejection(event)) return;
  event.preventDefault();
  fail(event.reason);
});
addEventListener('error', (event) => {
  event.preventDefault();
  fail(event.error);
});

channel.send({ t: 'started' });
host.listen();
try {
  const result = await run();
  await host.finish();
  channel.finish(`{"t":"done","ok":true,"v":${result},"events":${events.ofSuccess()}}`);
} catch (error) {
  // Where memory has run out even this may fail.
  await host.finish().catch(() => undefined);
  fail(error);
}

/** The result as JSON. */
async function run() {
  const handleEvent = await entry();
  const returned = await handleEvent(context, helpers);
  try {
    const text = toJson(returned, 'result');
    const size = encoder.encode(text).length;
    if (size <= exec.resultBytes) return text;
    const message = `The result is ${size} bytes of JSON, more than the ${exec.resultBytes} allowed. Return less.`;
    throw new Refusal('limit_exceeded', 'ResultTooLarge', message);
  } catch (error) {
    if (!(error instanceof NotJson)) throw error;
    throw new Refusal('not_json', 'NotJson', `What the handler returned is not JSON: ${error.message}`);
  }
}

/** @returns {Promise<(context: unknown, helpers: unknown) => unknown>} */
async function entry() {
  let define;
  try {
    define = evaluate(`${exec.code}\n//# sourceURL=${handlerFile}`);
  } catch (error) {
    return end(syntaxError(error));
  }
  const { [entryPoint]: found } = await define();
  if (typeof found === 'function') return found;
  const what = `The handler exports something that is not a function as ${entryPoint}.`;
  const how = `Write: export async function ${entryPoint}(context, helpers) { ... }`;
  throw new Refusal('no_entry_point', 'NoEntryPoint', `${what} ${how}`);
}

/** @param {unknown} error @returns {never} */
function fail(error) {
  return end(describeFailure(error));
}

/** @param {object} failure @returns {never} */
function end(failure) {
  return channel.finish(`${JSON.stringify(failure).slice(0, -1)},"events":${events.ofFailure()}}`);
}
