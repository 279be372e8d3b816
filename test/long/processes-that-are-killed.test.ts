import { expect, it } from 'vitest';
import { publishWhileProcessesDie } from '../setup/while-processes-die.ts';

const load = { events: 500, killTemporal: true, withinMs: 900_000 };

it('500 events on the topology of production end once each, although workers, server and Temporal are killed', async () => {
  await expect(publishWhileProcessesDie(load)).resolves.toBeUndefined();
}, 1_800_000);
