import { expect, it } from 'vitest';
import { publishWhileProcessesDie } from '../setup/while-processes-die.ts';

const load = { events: 60, killTemporal: false, withinMs: 120_000 };

it('60 events on the topology of production end once each, although their workers and their server are killed', async () => {
  await expect(publishWhileProcessesDie(load)).resolves.toBeUndefined();
}, 240_000);
