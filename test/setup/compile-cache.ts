import { join } from 'node:path';
import { packageRoot } from '../../src/config/package-root.ts';

/** Compiled modules, kept from process to process and from run to run: a start computes a third less where they are there. */
export const compileCache = join(packageRoot, 'node_modules', '.afterword', 'compile-cache');
