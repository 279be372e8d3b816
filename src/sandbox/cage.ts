import type { CageLevel } from '../domain/cage-level.ts';
import type { DenoCapability } from './deno.ts';
import type { SandboxCapability } from './probe.ts';

/** What of the cage holds on this system, and what runs in it. */
export interface Cage {
  readonly level: CageLevel;
  readonly python: boolean;
  readonly typescript: boolean;
  /** One line for the log and for health. */
  readonly detail: string;
  /** What the operator can do for more; empty when nothing is missing. */
  readonly mend: string;
}

const exposed = {
  landlock: "every file the worker's user may read or write, its credentials included",
  seccomp: 'the network, and every process of the same user',
} as const;

/** `unsandboxed`: the operator runs handlers even where a layer is missing. */
export function cageOf(capability: SandboxCapability, deno: DenoCapability, unsandboxed: boolean): Cage {
  const { level, layers, detail, mend } = capability;
  const typescript = deno.executable !== null;
  const withoutDeno = typescript ? '' : `; handlers in TypeScript are refused: ${deno.detail}`;
  if (level === 'full') {
    return { level, python: true, typescript, detail: `${detail}${withoutDeno}`, mend: typescript ? '' : deno.mend };
  }
  // Whatever the language, the fork server makes its processes.
  if (capability.executable === '') return { level: 'refused', python: false, typescript: false, detail, mend };
  if (unsandboxed) {
    const open = (['landlock', 'seccomp'] as const).filter((layer) => !layers.includes(layer));
    const what = open.map((layer) => exposed[layer]).join('; ');
    const words = `handlers run UNSANDBOXED, because ${detail}. Exposed to any handler: ${what}${withoutDeno}`;
    return { level: 'unsandboxed', python: true, typescript, detail: words, mend };
  }
  if (level === 'no_landlock') {
    const words = `${detail}: handlers in Python can open no file, modules included that were not loaded before them`;
    const ofDeno = typescript ? '; handlers in TypeScript are kept from files by Deno alone' : withoutDeno;
    return { level, python: true, typescript, detail: words + ofDeno, mend };
  }
  if (typescript) {
    const words = `${detail}: handlers in Python are refused; handlers in TypeScript are kept in by Deno's permissions`;
    return { level: 'deno_only', python: false, typescript, detail: words, mend };
  }
  return { level: 'refused', python: false, typescript, detail: `${detail}${withoutDeno}`, mend };
}
