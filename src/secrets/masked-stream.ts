import { limits } from '../domain/limits.ts';
import type { FormCursor, FormTree } from './form-tree.ts';

/**
 * So many characters of a secret in a row are masked, whether the rest follows or not. So no place of a text is looked at
 * more often than that, however long the secrets are and whatever they repeat.
 */
const certainAfter = 64;

/**
 * Masks what comes in pieces, wherever the pieces end. Holds back no more than could still become a secret, so that
 * ordinary output passes at once. Of secrets that overlap the first one is masked, of those that begin together the longest.
 */
export class MaskedStream {
  readonly #forms: FormTree;
  readonly #labels: readonly string[];
  /** It begins like a secret, and is too short to be certain of it. */
  #held = '';
  /** Within a secret whose label has been given. */
  #within: FormCursor | undefined;

  constructor(forms: FormTree, labels: readonly string[]) {
    this.#forms = forms;
    this.#labels = labels;
  }

  /** What is certain now. */
  push(text: string): string {
    return this.#give(this.#held + text, false);
  }

  /** The rest. Where it ends within a secret, cut off by a limit or a kill, half of one is masked too. */
  end(): string {
    return this.#give(this.#held, true);
  }

  #give(text: string, isLast: boolean): string {
    let given = '';
    let kept = this.#follow(text, 0);
    let at = this.#forms.next(text, kept);
    while (at < text.length) {
      const found = this.#look(text, at, isLast);
      if (found === 'begun') break;
      if (found === undefined) at += 1;
      else {
        given += text.slice(kept, at) + (this.#labels[found.form] ?? '');
        at = this.#follow(text, at + found.length);
        kept = at;
      }
      at = this.#forms.next(text, at);
    }
    this.#held = text.slice(at);
    return given + text.slice(kept, at);
  }

  /** What begins at this place: a secret, perhaps one, or none. */
  #look(text: string, from: number, isLast: boolean): { form: number; length: number } | 'begun' | undefined {
    const cursor = this.#forms.begin();
    const end = Math.min(text.length, from + certainAfter);
    let found: { form: number; length: number } | undefined;
    let at = from;
    while (at < end && cursor.advance(text.charCodeAt(at))) {
      at += 1;
      if (cursor.ended !== -1) found = { form: cursor.ended, length: at - from };
    }
    if (at < end) return found;
    const length = at - from;
    const begun = cursor.goesOn;
    if (begun === -1) return found;
    if (length === certainAfter) {
      this.#within = cursor;
      return { form: begun, length };
    }
    if (!isLast) return 'begun';
    return length >= Math.max(limits.secretCharactersAtLeast, this.#forms.lengthOf(begun) / 2)
      ? { form: begun, length }
      : found;
  }

  /** Where the secret ends that the text is within. */
  #follow(text: string, from: number): number {
    let at = from;
    while (at < text.length && this.#within?.advance(text.charCodeAt(at)) === true) at += 1;
    if (at < text.length) this.#within = undefined;
    return at;
  }
}
