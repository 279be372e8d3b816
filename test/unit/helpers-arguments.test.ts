import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../src/contract/json.ts';
import type { ConversationWriter, NewTimelineEvent } from '../../src/helpers/helper.ts';
import { activityHelpers, helpers } from '../../src/helpers/registry.ts';

const written: NewTimelineEvent[] = [];

/** A conversation that remembers what it was told; a real one is in the integration tests. */
const conversation: ConversationWriter = {
  addTag: (name) => Promise.resolve({ tagId: `tag:${name}`, added: true }),
  getMetadata: () => Promise.resolve(null),
  setMetadata: () => Promise.resolve(true),
  deleteMetadata: () => Promise.resolve(true),
  addTimelineEvent: (event) => {
    written.push(event);
    return Promise.resolve();
  },
};

async function call(name: string, args: JsonObject): Promise<unknown> {
  const helper = activityHelpers.get(name);
  if (helper?.works !== 'in the store') throw new Error(`there is no helper ${name} that works in the store`);
  return helper.call(args, { executionId: 'execution-1', callId: 'call-1', conversation });
}

function refusalOf(name: string, args: JsonObject, code = 'invalid_arguments') {
  return expect(call(name, args)).rejects.toMatchObject({ code, message: expect.stringContaining(name) });
}

const astral = '😀';

describe('lengths count Unicode characters, as Python does', () => {
  it.each([
    ['add_conversation_tag', 'tag', 100, {}],
    ['set_conversation_metadata', 'key', 200, { value: 'v' }],
    ['set_conversation_metadata', 'value', 50_000, { key: 'k' }],
    ['get_conversation_metadata', 'key', 200, {}],
    ['delete_conversation_metadata', 'key', 200, {}],
    ['add_conversation_event', 'event', 1_000, {}],
  ] as const)('%s takes a %s of %i and not of one more', async (name, argument, most, others) => {
    for (const character of ['a', 'é', astral]) {
      await expect(call(name, { ...others, [argument]: character.repeat(most) })).resolves.toBeDefined();
      await refusalOf(name, { ...others, [argument]: character.repeat(most + 1) });
    }
  });

  it('says how long it was and how long it may be', async () => {
    await expect(call('add_conversation_tag', { tag: astral.repeat(101) })).rejects.toThrow(
      'add_conversation_tag: tag: the tag is 101 characters long; at most 100 are allowed',
    );
  });
});

describe('wrong arguments are refused by name', () => {
  it.each<[string, JsonObject]>([
    ['add_conversation_tag', {}],
    ['add_conversation_tag', { tag: '' }],
    ['add_conversation_tag', { tag: 7 }],
    ['add_conversation_tag', { tag: null }],
    ['add_conversation_tag', { tag: ['a'] }],
    ['add_conversation_tag', { tag: 'a\u0000b' }],
    ['add_conversation_tag', { tag: 'a', colour: 'red' }],
    ['set_conversation_metadata', { key: 'k' }],
    ['set_conversation_metadata', { key: '', value: 'v' }],
    ['set_conversation_metadata', { key: 'k', value: { a: 1 } }],
    ['set_conversation_metadata', { key: 'k', value: true }],
    ['get_conversation_metadata', { key: '' }],
    ['get_conversation_metadata', { key: 1 }],
    ['delete_conversation_metadata', { key: null }],
    ['add_conversation_event', {}],
    ['add_conversation_event', { event: null }],
    ['add_conversation_event', { event: ['a'] }],
    ['add_conversation_event', { event: { title: 'unknown field' } }],
    ['add_conversation_event', { event: { description: 5 } }],
    ['add_conversation_event', { event: { timestamp: 'yesterday' } }],
    ['add_conversation_event', { event: { timestamp: '2026-01-05T10:00:00' } }],
    ['add_conversation_event', { event: { timestamp: '0000-01-05T10:00:00Z' } }],
    ['add_conversation_event', { event: { attributes: ['a'] } }],
    ['add_conversation_event', { event: { type: 'x'.repeat(1_001) } }],
  ])('%s %j', async (name, args) => {
    await refusalOf(name, args);
  });

  it('an event of more than 64 KB passes a limit', async () => {
    const event = { attributes: { blob: 'x'.repeat(64 * 1024) } };
    await refusalOf('add_conversation_event', { event }, 'limit_exceeded');
  });
});

describe('a timeline event', () => {
  async function writtenFor(event: JsonObject | string): Promise<NewTimelineEvent> {
    written.length = 0;
    await call('add_conversation_event', { event });
    const [only] = written;
    if (only === undefined) throw new Error('nothing was written');
    return only;
  }

  it('made from a text has it as description, and says where it came from', async () => {
    expect(await writtenFor('Refund agreed')).toMatchObject({
      id: 'call-1',
      description: 'Refund agreed',
      source: 'tool-call',
      sourceId: 'execution-1',
      category: null,
      attributes: null,
    });
  });

  it('made from a dict keeps every field but the conversation, which is the execution’s own', async () => {
    const event = {
      timestamp: '2026-01-05T12:00:00+02:00',
      session_id: 's',
      conversation_id: 'somebody else’s',
      source: 'prompt',
      source_id: 'p-1',
      category: 'billing',
      type: 'refund',
      user_id: 'u',
      description: 'd',
      attributes: { nested: [1, { a: null }] },
    };
    expect(await writtenFor(event)).toEqual({
      id: 'call-1',
      timestamp: new Date('2026-01-05T10:00:00Z'),
      sessionId: 's',
      source: 'prompt',
      sourceId: 'p-1',
      category: 'billing',
      type: 'refund',
      userId: 'u',
      description: 'd',
      attributes: { nested: [1, { a: null }] },
    });
  });

  it('takes null for every field that may be left out', async () => {
    const event = { session_id: null, conversation_id: null, source: null, source_id: null, attributes: null };
    expect(await writtenFor(event)).toMatchObject({ source: 'tool-call', sourceId: 'execution-1', attributes: null });
  });
});

describe('what Temporal’s Web UI shows of a call', () => {
  const secret = 'secret-4711';

  it('is the name and at most the tag or the key', () => {
    const shown = Object.fromEntries([
      ['add_conversation_tag', activityHelpers.get('add_conversation_tag')?.show({ tag: 'vip' })],
      [
        'set_conversation_metadata',
        activityHelpers.get('set_conversation_metadata')?.show({ key: 'csat', value: secret }),
      ],
      ['add_conversation_event', activityHelpers.get('add_conversation_event')?.show({ event: secret })],
    ]);
    expect(shown).toEqual({
      add_conversation_tag: 'add_conversation_tag "vip"',
      set_conversation_metadata: 'set_conversation_metadata "csat"',
      add_conversation_event: 'add_conversation_event',
    });
  });

  it('is the name alone where the arguments are wrong', () => {
    for (const helper of activityHelpers.values()) expect(helper.show({ wrong: secret })).toBe(helper.name);
  });
});

it('every helper has a name of its own, a sentence, and the context first where it works on the conversation', () => {
  expect(new Set(helpers.map(({ name }) => name)).size).toBe(helpers.length);
  for (const helper of helpers) {
    expect(helper.name).toMatch(/^[a-z]+(_[a-z]+)+$/);
    expect(helper.summary).toMatch(/^[A-Z].*\.$/);
    const onConversation = helper.answeredIn === 'activity' && helper.works === 'in the store';
    expect(/^context(, |$)/.test(helper.pythonParams)).toBe(onConversation);
  }
});
