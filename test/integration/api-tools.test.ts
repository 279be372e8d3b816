import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { limits } from '../../src/domain/limits.ts';
import { startApi, type TestApi } from '../setup/api.ts';
import { startSystem, type TestSystem } from '../setup/system.ts';
import { useHandlers } from './spine-system.ts';

let system: TestSystem;
let api: TestApi;
beforeAll(async () => {
  system = await startSystem();
  api = await startApi(system);
  const settings = { attempts: 1, globals: { currency: 'EUR', rate: 1 }, constants: { tone: 'formal' } };
  const eventType = 'conversation_reopened';
  await system.push('echo', tool(echo), { settings, eventType });
  await system.push('fails', tool('self.register_event(event("lost"))\nraise ValueError("no")'), {
    settings: { attempts: 2 },
    eventType,
  });
  await system.push('slow', tool('import time\ntime.sleep(3)\nreturn TextResponse(data=1)'), { eventType });
  await system.push('plain', 'def handle_event(context):\n    return context\n', { eventType });
  await system.push(
    'both',
    `${tool('return TextResponse(data="tool")')}\ndef handle_event(context): return "plain"\n`,
    {
      eventType,
    },
  );
});
afterAll(async () => {
  await api.stop();
  await system.stop();
});

function tool(body: string): string {
  const lines = body.split('\n').map((line) => `        ${line}`);
  return `from weni import Tool
from weni.events.event import Event
from weni.responses import TextResponse
def event(key):
    return Event(event_name="weni_nexus_data", key=key, value_type="string", value="v", date="2026-01-05")
class MyTool(Tool):
    def execute(self, context):
${lines.join('\n')}
`;
}

const echo = `self.register_event(event("own"))
Event.register(event("legacy"))
spaces = ("credentials", "parameters", "globals", "contact", "project", "constants")
return TextResponse(data={name: dict(getattr(context, name)) for name in spaces})`;

const invoke = (name: string, body: object = {}) => api.request('POST', `/tools/${name}/invocations`, body);
const idOf = ({ body }: { body: unknown }) => {
  if (typeof body !== 'object' || body === null || !('executionId' in body)) throw new Error(JSON.stringify(body));
  return String(body.executionId);
};

describe('POST /tools/{name}/invocations', () => {
  it('answers what the toolkit answers: result, format and events', async () => {
    const body = {
      parameters: { message: 'hi', nested: [1, { a: null }] },
      contact: { urn: 'whatsapp:1' },
      project: { uuid: 'p-1' },
      credentials: { token: 'secret' },
      globals: { rate: 2 },
      constants: { limit: 5 },
    };
    const answer = await invoke('echo', body);
    expect(answer).toMatchObject({ status: 200, body: { status: 'succeeded', reason: null, error: null } });
    expect(answer.body).toMatchObject({
      result: {
        result: {
          ...body,
          globals: { currency: 'EUR', rate: 2 },
          constants: { tone: 'formal', limit: 5 },
        },
        messages_sent: [],
      },
      format: { msg: { text: expect.any(String) } },
      events: [
        { key: 'legacy', date: '2026-01-05', metadata: {} },
        { key: 'own', event_name: 'weni_nexus_data' },
      ],
    });
  });

  it('delivers its events like any others, filled in from what it was invoked with', async () => {
    const given = {
      contact: { urn: 'whatsapp:1' },
      project: { uuid: 'p-1', slug: 's' },
      credentials: { token: 'secret' },
    };
    const id = idOf(await invoke('echo', given));
    const { body } = await api.request('GET', `/executions/${id}`);
    const event = { project: 'p-1', contact_urn: 'whatsapp:1', metadata: { agent_uuid: expect.any(String) } };
    expect(body).toMatchObject({
      kind: 'tool',
      handlerName: 'echo',
      eventId: null,
      conversationId: null,
      analyticsEvents: [
        { state: 'delivered', event },
        { state: 'delivered', event },
      ],
    });
    expect(body).toHaveProperty('analyticsEvents.0.event.metadata', { agent_uuid: expect.any(String) });
    const rows = await system.store.db
      .selectFrom('direct_runs')
      .select('context')
      .where('execution_id', '=', id)
      .execute();
    expect(JSON.stringify(rows)).not.toContain('secret');
    expect(JSON.stringify(rows)).toContain('whatsapp:1');
  });

  it('without project and contact has its events rejected, and says why', async () => {
    const { body } = await api.request('GET', `/executions/${idOf(await invoke('echo'))}`);
    expect(body).toMatchObject({
      analyticsEvents: [
        { state: 'rejected', reason: 'project cannot be empty, contact_urn cannot be empty' },
        { state: 'rejected' },
      ],
    });
  });

  it('takes parameters as a list of names and values', async () => {
    const parameters = [
      { name: 'a', value: 1 },
      { name: 'b', value: { x: null } },
      { name: 'a', value: [2] },
    ];
    const { body } = await invoke('echo', { parameters });
    expect(body).toMatchObject({ result: { result: { parameters: { a: [2], b: { x: null } } } } });
  });

  it('answers a failure as one, after its attempts, with no event', async () => {
    const answer = await invoke('fails');
    expect(answer).toMatchObject({
      status: 200,
      body: {
        status: 'failed',
        reason: 'raised',
        error: { type: 'ValueError', message: 'no' },
        result: null,
        format: null,
      },
    });
    expect(answer.body).toMatchObject({ events: [] });
    const { body } = await api.request('GET', `/executions/${idOf(answer)}`);
    expect(body).toMatchObject({
      attempts: 2,
      analyticsEvents: [
        { attempt: 1, state: 'not_delivered' },
        { attempt: 2, state: 'not_delivered' },
      ],
    });
  });

  it('runs the tool where the file has handle_event too, and nothing but a tool', async () => {
    expect((await invoke('both')).body).toMatchObject({ result: { result: 'tool' } });
    expect((await invoke('plain')).body).toMatchObject({ status: 'failed', reason: 'no_entry_point' });
  });

  it('answers 202 when the wait is over, and the invocation goes on', async () => {
    const answer = await invoke('slow', { waitSeconds: 0.2 });
    expect(answer).toMatchObject({ status: 202, body: { result: null, events: [] } });
  });

  it('does not run for events that it is not bound to, and is listed among executions', async () => {
    await useHandlers(system, {});
    const id = idOf(await invoke('echo'));
    const { body } = await api.request('GET', '/executions?kind=tool&limit=1');
    expect(body).toMatchObject({ items: [{ id, kind: 'tool', status: 'succeeded' }] });
  });

  it.each<[string, string, object, number, string]>([
    ['an unknown tool', 'nobody', {}, 404, 'handler_not_found'],
    ['an unknown field', 'echo', { params: {} }, 400, 'invalid_request'],
    ['parameters that are text', 'echo', { parameters: 'a' }, 400, 'invalid_request'],
    ['a parameter without a value', 'echo', { parameters: [{ name: 'a' }] }, 400, 'invalid_request'],
    ['a parameter without a name', 'echo', { parameters: [{ name: '', value: 1 }] }, 400, 'invalid_request'],
    ['a contact that is a list', 'echo', { contact: [] }, 400, 'invalid_request'],
    ['a wait that is too long', 'echo', { waitSeconds: limits.testRunWaitSeconds + 1 }, 400, 'invalid_request'],
  ])('refuses %s', async (_, name, body, status, code) => {
    expect(await invoke(name, body)).toMatchObject({ status, body: { code } });
  });

  it('takes as many parameters as the limit and not one more, each object as large as the limit and no larger', async () => {
    const listed = (count: number) => Array.from({ length: count }, (_, n) => ({ name: `p${String(n)}`, value: n }));
    expect(await invoke('echo', { parameters: listed(limits.toolParameters) })).toMatchObject({ status: 200 });
    expect(await invoke('echo', { parameters: listed(limits.toolParameters + 1) })).toMatchObject({ status: 400 });
    const globals = (bytes: number) => ({ globals: { a: 'x'.repeat(bytes - 8) } });
    expect(await invoke('echo', globals(limits.contextObjectBytes))).toMatchObject({ status: 200 });
    expect(await invoke('echo', globals(limits.contextObjectBytes + 1))).toMatchObject({ status: 400 });
  });
});
