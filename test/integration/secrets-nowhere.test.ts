import { join } from 'node:path';
import { rm } from 'node:fs/promises';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AfterwordError } from '../../src/domain/errors.ts';
import type { HelperServices } from '../../src/helpers/services.ts';
import { writtenForms } from '../../src/secrets/written-forms.ts';
import type { Database } from '../../src/store/database.ts';
import { readableHistory } from '../replay/history-file.ts';
import { startApi, type TestApi } from '../setup/api.ts';
import { openEmbeddedStore } from '../setup/embedded-stores.ts';
import { startSystem, type TestSystem } from '../setup/system.ts';
import { startUpstream, type Upstream } from '../setup/upstream.ts';
import { startOutsideServices, type OutsideServices } from './outside-services.ts';
import { fetchHistory, handler, useHandlers } from './spine-system.ts';
import { engines, temporaryFolder, type Engine } from './store-engines.ts';

/** Each of them must have come to where it was sent, so that it was really there to be leaked. */
const planted = {
  PRINTED: 'planted/printed+0001 "é"',
  RETURNED: 'planted-returned-0002',
  RAISED: 'planted raised 0003',
  SENT: 'planted/sent=0004&?#',
  HELPED: 'planted-helped-0005',
  PATH: 'planted0006path',
  LINES: '-----BEGIN planted-----\n0007+/abc\n-----END planted-----',
} as const;
const credential = 'planted-credential-0008';
/** Of a handler that has it in its code: this shows that the search would find one. */
const control = 'planted-in-plain-sight-0009';

const granted = (body: string) => ({
  code: `import base64, requests, urllib.parse\n${handler(`s = context["secrets"]\n${body}`)}`,
  secrets: Object.keys(planted),
  attempts: 2,
});

const handlersFor = (url: string, sheet: string) => ({
  talks: granted(`
for name, value in s.items():
    print(value, json.dumps(value), repr(value), urllib.parse.quote(value), urllib.parse.quote_plus(value))
    for n in range(3): print(base64.b64encode(b"z" * n + value.encode()).decode(), base64.urlsafe_b64encode(value.encode()).decode(), file=sys.stderr)
    sys.stdout.write(value[:5]); sys.stdout.write(value[5:])
register_event({"key": "k", "value_type": "string", "value": s["PRINTED"], "metadata": {s["RETURNED"]: s["LINES"]}})
register_event({"key": s["PRINTED"], "value_type": s["RETURNED"], "value": s["LINES"]})
return {"deep": [s, {s["RETURNED"]: s["LINES"]}], "base64": base64.b64encode(s["LINES"].encode()).decode()}`),
  raises: granted(`raise ValueError(s["RAISED"] + s["LINES"]) from KeyError(s["PRINTED"])`),
  sends: granted(`
quoted = urllib.parse.quote(s["SENT"], safe="")
first = requests.post(f"${url}/{s['PATH']}/{quoted}?token={quoted}", json={"token": s["SENT"], "lines": s["LINES"], "attempt": context["args"]["attempt"]}, headers={"Authorization": "Bearer " + s["HELPED"], "X-Custom": s["HELPED"]}, cookies={"c": s["HELPED"]})
second = requests.post("${url}/form", data={"token": s["SENT"]}, auth=("user", s["SENT"]))
third = requests.post("${url}/binary", data=bytes([0, 255]) + s["LINES"].encode())
fourth = requests.get("${url}/gone/" + s["PATH"])
try:
    requests.get("http://10.0.0.1/" + s["PATH"] + quoted)
except requests.ConnectionError as error:
    print(error)
if context["args"]["attempt"] == 1: raise RuntimeError(first.text + second.text)
return [first.text, second.text, third.text, dict(first.headers)]`),
  helps: granted(`
add_conversation_tag(context, s["HELPED"][:90])
set_conversation_metadata(context, s["HELPED"], s["LINES"])
add_conversation_event(context, {"description": s["HELPED"], "attributes": {s["HELPED"]: s["LINES"]}})
llm_classify_binary("Is it away? " + s["HELPED"], s["LINES"])
try:
    llm_classify_binary("Is it refused? " + s["HELPED"], s["LINES"])
except HelperError as error:
    print(error)
add_google_sheets_row("${sheet}", {"Name": s["HELPED"]})
for wrong in [lambda: add_conversation_tag(context, s["HELPED"] * 10), lambda: add_conversation_event(context, {s["HELPED"]: 1}), lambda: add_google_sheets_row(s["HELPED"], {"Name": "x"}), lambda: llm_classify_binary("", s["HELPED"])]:
    try:
        wrong()
    except HelperError as error:
        print(error)
if context["args"]["attempt"] == 1: raise RuntimeError(s["HELPED"])
return get_conversation_metadata(context, s["HELPED"])`),
  control: handler(`print("${control}")`),
});

const invokedTool = `import requests
from weni import Tool
from weni.responses import TextResponse
class MyTool(Tool):
    def execute(self, context):
        token = context.credentials["token"]
        print(token)
        self.register_event({"event_name": "e", "key": token, "value_type": "string", "value": token})
        if "fail" in context.parameters:
            raise ValueError(token)
        return TextResponse(data=[dict(context.credentials), requests.post("URL/tool?t=" + token, data=token).text])
`;

/** The LLM, which repeats what it was asked where it fails: once for a time, once for good. */
function repeating({ llm, sheets }: HelperServices): HelperServices {
  let away = true;
  return {
    sheets,
    llm: {
      choose(question) {
        const said = `it said: ${question.prompt} ${question.input}`;
        if (question.prompt.includes('refused?')) throw new AfterwordError('llm_failed', said);
        if (!away) return llm.choose(question);
        away = false;
        throw new AfterwordError('helper_unavailable', said, { cause: new Error(said) });
      },
    },
  };
}

/** Every row of every table of ours, as text. */
async function rowsOf(db: Database): Promise<Map<string, string>> {
  const { rows: tables } = await sql<{ name: string }>`
    select table_name as name from information_schema.tables where table_schema = 'public'`.execute(db);
  const found = new Map<string, string>();
  for (const { name } of tables) {
    const { rows } = await sql<{ row: string }>`select row_to_json(t)::text as row from ${sql.table(name)} t`.execute(
      db,
    );
    found.set(name, rows.map(({ row }) => row).join('\n'));
  }
  return found;
}

async function workflowsOf(db: Database): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    select workflow_id as id from conversation_events
    union select workflow_id from direct_runs
    union select workflow_id from executions where workflow_id is not null`.execute(db);
  return rows.map(({ id }) => id);
}

describe.each(engines)('on %s, of what is secret', (engine: Engine) => {
  let system: TestSystem;
  let api: TestApi;
  let upstream: Upstream;
  let outside: OutsideServices;
  let folder: string | undefined;
  const logged: string[] = [];
  const answered: string[] = [];

  beforeAll(async () => {
    upstream = await startUpstream(({ path, body, headers }, response) => {
      response.writeHead(path.startsWith('/gone') ? 404 : 200, { 'x-echo': encodeURIComponent(body.toString()) });
      response.end(`${path} ${body.toString()} ${JSON.stringify(headers)}`);
    });
    outside = await startOutsideServices();
    const sheet = 'sheet-of-secrets';
    outside.google.create(sheet, { rows: [['Name']] });
    folder = engine === 'embedded' ? await temporaryFolder() : undefined;
    const store = folder === undefined ? undefined : await openEmbeddedStore(join(folder, 'store'));
    system = await startSystem({ services: repeating(outside.services), ...(store === undefined ? {} : { store }) });
    api = await startApi(system, { onLog: (line) => logged.push(line) });

    for (const [name, value] of Object.entries(planted)) {
      const { body } = await api.request('PUT', `/secrets/${name}`, { value });
      answered.push(JSON.stringify(body));
    }
    await useHandlers(system, handlersFor(upstream.url, sheet));
    const ran = await system.run();
    expect(Object.fromEntries(Object.entries(ran).map(([name, { status }]) => [name, status]))).toEqual({
      talks: 'succeeded',
      raises: 'failed',
      sends: 'succeeded',
      helps: 'succeeded',
      control: 'succeeded',
    });
    await system.push('tool', invokedTool.replace('URL', upstream.url), { settings: { attempts: 1 } });
    for (const parameters of [{}, { fail: true }]) {
      const invoked = await api.request('POST', '/tools/tool/invocations', {
        parameters,
        credentials: { token: credential },
        project: { uuid: 'p-1' },
        contact: { urn: 'u:1' },
        waitSeconds: 30,
      });
      expect(invoked.status).toBe(200);
      answered.push(JSON.stringify(invoked.body));
    }
    for (const { id, conversationId } of Object.values(ran)) {
      for (const path of [`/executions/${id}`, `/executions/${id}/logs`, `/conversations/${String(conversationId)}`]) {
        answered.push(JSON.stringify((await api.request('GET', path)).body));
      }
    }
    answered.push(JSON.stringify((await api.request('GET', '/executions?limit=50')).body));
    answered.push(JSON.stringify((await api.request('GET', '/secrets')).body));
  }, 150_000);
  afterAll(async () => {
    await api.stop();
    await system.stop();
    await outside.close();
    await upstream.close();
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  });

  /** All forms of all of them, also as they stand in JSON within JSON. */
  const needles = [...Object.values(planted), credential].flatMap((secret) =>
    [...writtenForms(secret)].flatMap((form) => [form, JSON.stringify(form).slice(1, -1)]),
  );
  /** And what is left of one where it was masked in part, with what stands around it. */
  const part =
    /.{0,60}(?:planted.?(?:printed|returned|raised|sent|helped|credential)|planted0006|BEGIN.planted).{0,60}/;

  const foundIn = (text: string) => [...needles.filter((needle) => text.includes(needle)), ...(part.exec(text) ?? [])];

  it('everything came to where it was sent', () => {
    const sent = upstream.received.map(({ path, body, headers }) => path + body.toString() + JSON.stringify(headers));
    for (const name of ['SENT', 'LINES', 'HELPED', 'PATH'] as const) {
      expect(sent.some((text) => [...writtenForms(planted[name])].some((form) => text.includes(form)))).toBe(true);
    }
    expect(sent.some((text) => text.includes(credential))).toBe(true);
  });

  it('what was repeated by others was kept, masked', async () => {
    const { rows } = await sql<{ error_message: string }>`
      select error_message from calls where error_code = 'llm_failed'`.execute(system.store.db);
    expect(rows.map(({ error_message }) => error_message)).toEqual([
      'it said: Is it refused? [secret HELPED] [secret LINES]',
    ]);
    const histories = await Promise.all((await workflowsOf(system.store.db)).map((id) => fetchHistory(system, id)));
    expect(histories.map(readableHistory).join()).toContain('it said: Is it away? [secret HELPED] [secret LINES]');
  });

  it('nothing stands in any table', async () => {
    const tables = await rowsOf(system.store.db);
    expect(tables.get('log_chunks')).toContain(control);
    for (const name of ['secrets', 'calls', 'log_chunks', 'analytics_events', 'direct_runs', 'attempts', 'tags']) {
      expect(tables.get(name)?.length, name).toBeGreaterThan(10);
    }
    for (const [name, text] of tables) {
      expect({ table: name, found: foundIn(text) }).toEqual({ table: name, found: [] });
    }
  });

  it('nothing stands in any history', async () => {
    const ids = await workflowsOf(system.store.db);
    expect(ids.length).toBeGreaterThanOrEqual(3);
    for (const id of ids) {
      expect(foundIn(readableHistory(await fetchHistory(system, id)))).toEqual([]);
    }
  });

  it('nothing stands in what the API answers, or in its log', () => {
    const shown = answered.join('\n');
    expect(shown).toContain('[secret HELPED]');
    expect(shown).toContain('[credential token]');
    expect(foundIn(shown)).toEqual([]);
    expect(logged.length).toBeGreaterThan(10);
    expect(foundIn(logged.join('\n'))).toEqual([]);
  });
});
