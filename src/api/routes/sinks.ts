import { createRoute, z } from '@hono/zod-openapi';
import { Sink, SinkChange, SinkCredentials, SinkInput, SinkTest } from '../../contract/sink.ts';
import { AfterwordError } from '../../domain/errors.ts';
import { changeSink, createSink, deleteSink, getSink, getStoredSink, listSinks, newSinkId } from '../../store/sinks.ts';
import { audited } from '../audit.ts';
import type { Api, ApiDependencies } from '../environment.ts';
import { listOf } from '../lists.ts';
import { answers, bodyOf, jsonOf, needs, orProblem } from '../route-parts.ts';
import { changedSinkOf, hasCredentials, newSinkOf } from '../sink-settings.ts';

const tags = ['Sinks'];
const params = z.object({ id: z.string() });

const list = createRoute({
  method: 'get',
  path: '/sinks',
  tags,
  summary: 'List where analytics events are sent',
  ...needs('admin'),
  responses: answers(listOf(Sink, 'SinkList'), 'All of them, by name.'),
});

const create = createRoute({
  method: 'post',
  path: '/sinks',
  tags,
  summary: 'Have analytics events sent somewhere',
  description:
    'Events that handlers register from now on go there too. What is secret is sealed and never shown again.',
  ...needs('admin'),
  request: { body: bodyOf(SinkInput) },
  responses: { 201: jsonOf(Sink, 'The new sink.'), ...orProblem },
});

const get = createRoute({
  method: 'get',
  path: '/sinks/{id}',
  tags,
  summary: 'One sink, and how it fares',
  ...needs('admin'),
  request: { params },
  responses: answers(Sink, 'The sink.'),
});

const change = createRoute({
  method: 'patch',
  path: '/sinks/{id}',
  tags,
  summary: 'Change a sink, switch it off or on',
  description:
    'What is left out stays. While it is off it gets no new events; what waits for it goes on waiting and does not grow old. ' +
    'A sink that was left alone because it failed is tried again at once.',
  ...needs('admin'),
  request: { params, body: bodyOf(SinkChange) },
  responses: answers(Sink, 'The sink as it is now.'),
});

const remove = createRoute({
  method: 'delete',
  path: '/sinks/{id}',
  tags,
  summary: 'Delete a sink',
  description: 'What waits for it is given up and cannot be sent again.',
  ...needs('admin'),
  request: { params },
  responses: answers(Sink, 'What it was.'),
});

const test = createRoute({
  method: 'post',
  path: '/sinks/{id}/test',
  tags,
  summary: 'Send one test event',
  description:
    'Also where the sink is off. The event is marked: its key is `afterword_test`, its metadata `{"afterword_test": true}`; ' +
    'a webhook gets it as `analytics_event.test`. Nothing of it is stored.',
  ...needs('admin'),
  request: { params },
  responses: answers(SinkTest, 'Whether it arrived.'),
});

export function addSinkRoutes(api: Api, { store: { db }, keys, testSink, redeliverSoon }: ApiDependencies): void {
  function seal(organizationId: string, id: string, credentials: SinkCredentials): string | null {
    if (!hasCredentials(credentials)) return null;
    return keys.seal(JSON.stringify(credentials), ['sink', organizationId, id]);
  }

  api.openapi(list, async (c) => c.json({ items: await listSinks(db, c.get('organizationId')), next: null }, 200));

  api.openapi(create, async (c) => {
    const organizationId = c.get('organizationId');
    const input = c.req.valid('json');
    const { settings, credentials } = newSinkOf(input);
    const id = newSinkId();
    const { name, enabled } = input;
    const sealed = seal(organizationId, id, credentials);
    const created = await audited(
      c,
      (trx) => createSink(trx, organizationId, { id, name, enabled, settings, sealed }),
      () => ({ object: id, summary: { name, enabled, kind: input.kind } }),
    );
    return c.json(created, 201);
  });

  api.openapi(get, async (c) => c.json(await getSink(db, c.get('organizationId'), c.req.valid('param').id), 200));

  api.openapi(change, async (c) => {
    const organizationId = c.get('organizationId');
    const { id } = c.req.valid('param');
    const { name, enabled, ...changes } = c.req.valid('json');
    if (Object.values(changes).every((value) => value === undefined)) {
      const changed = await audited(
        c,
        (trx) => changeSink(trx, organizationId, id, { name, enabled }),
        ({ name: now, enabled: isOn }) => ({ summary: { name: now, enabled: isOn } }),
      );
      if (enabled === true) await redeliverSoon();
      return c.json(changed, 200);
    }
    const { sealed, settings: before } = await getStoredSink(db, organizationId, id);
    const opened = sealed === null ? '{}' : keys.open(sealed, ['sink', organizationId, id]);
    const known = SinkCredentials.parse(JSON.parse(opened));
    const { settings, credentials } = changedSinkOf(changes, { settings: before, credentials: known });
    const resealed = seal(organizationId, id, credentials);
    const changed = await audited(
      c,
      (trx) => changeSink(trx, organizationId, id, { name, enabled, settings, sealed: resealed }),
      ({ name: now, enabled: isOn }) => ({ summary: { name: now, enabled: isOn, changed: Object.keys(changes) } }),
    );
    await redeliverSoon();
    return c.json(changed, 200);
  });

  api.openapi(remove, async (c) => {
    const { id } = c.req.valid('param');
    const removed = await audited(
      c,
      (trx) => deleteSink(trx, c.get('organizationId'), id),
      ({ name }) => ({ summary: { name } }),
    );
    return c.json(removed, 200);
  });

  api.openapi(test, async (c) => {
    const stored = await getStoredSink(db, c.get('organizationId'), c.req.valid('param').id);
    if (testSink === undefined) throw new AfterwordError('internal', 'This server sends nothing.');
    return c.json(await testSink(stored), 200);
  });
}
