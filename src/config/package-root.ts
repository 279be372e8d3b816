import { fileURLToPath } from 'node:url';

/** The package's own folder, the same from `src/config` and from the compiled `dist/config`. */
export const packageRoot = fileURLToPath(new URL('../../', import.meta.url));
