import type { JsonObject, JsonValue } from '../contract/json.ts';
import { limits } from '../domain/limits.ts';
import { FormTree } from './form-tree.ts';
import { MaskedStream } from './masked-stream.ts';
import { writtenForms } from './written-forms.ts';

/** A text that nobody may read, and what stands in its place. */
export interface Mask {
  readonly value: string;
  readonly label: string;
}

export function maskOfSecret(name: string, value: string): Mask {
  return { value, label: `[secret ${name}]` };
}

/** Every text in them that is long enough; `[credential token]` says where it stood. */
export function masksOfCredentials(credentials: JsonValue, path: readonly string[] = []): Mask[] {
  if (typeof credentials === 'string') {
    const isLong = credentials.trim().length >= limits.secretCharactersAtLeast;
    return isLong ? [{ value: credentials, label: `[credential ${path.join('.')}]` }] : [];
  }
  if (typeof credentials !== 'object' || credentials === null) return [];
  return Object.entries(credentials).flatMap(([key, value]) => masksOfCredentials(value, [...path, key]));
}

/** Replaces secrets, in all the forms in which they may be written, by their labels. */
export class Masker {
  readonly #forms: FormTree;
  readonly #labels: readonly string[];

  constructor(masks: readonly Mask[]) {
    // Without the spaces and line ends around it: code likes to strip them.
    const formsOf = ({ value, label }: Mask) => [...writtenForms(value.trim())].map((form) => [form, label] as const);
    const labelOf = new Map(masks.flatMap(formsOf));
    this.#forms = new FormTree([...labelOf.keys()]);
    this.#labels = [...labelOf.values()];
  }

  /** For text that comes in pieces. */
  stream(): MaskedStream {
    return new MaskedStream(this.#forms, this.#labels);
  }

  text(text: string): string {
    const stream = this.stream();
    return stream.push(text) + stream.end();
  }

  /** Keys too. A number that is a secret becomes the label. */
  json(value: JsonValue): JsonValue {
    if (typeof value === 'string') return this.text(value);
    if (typeof value === 'number') {
      const written = String(value);
      const shown = this.text(written);
      return shown === written ? value : shown;
    }
    if (Array.isArray(value)) return value.map((item) => this.json(item));
    return typeof value === 'object' && value !== null ? this.object(value) : value;
  }

  object(object: JsonObject): JsonObject {
    // fromEntries defines properties, so that a key `__proto__` stays a key.
    return Object.fromEntries(Object.entries(object).map(([key, value]) => [this.text(key), this.json(value)]));
  }
}
