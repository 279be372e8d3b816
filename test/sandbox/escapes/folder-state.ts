import { existsSync, lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Whatever an attack could have changed of a folder and of what lies in it. */
export function stateOf(folder: string): unknown {
  const of = (path: string) => {
    const { mode, mtimeMs, ctimeMs, uid, gid, nlink, size } = lstatSync(path);
    return { mode, mtimeMs, ctimeMs, uid, gid, nlink, size };
  };
  const inside = readdirSync(folder).map((name) => [name, of(join(folder, name))]);
  const text = (name: string) => readFileSync(join(folder, name), 'utf8');
  return { ...of(folder), inside, secret: existsSync(join(folder, 'secret')) && text('secret') };
}
