import { limits } from '../../domain/limits.ts';
import type { ResolveName } from './checked-lookup.ts';

/** Whose request it is that a name is looked up for. */
export interface Asker {
  /** Organisations have their turns one after the other. */
  readonly organization: string;
  /** Whether the request still waits. */
  readonly isWaiting: boolean;
}

interface Question {
  readonly hostname: string;
  readonly asker: Asker;
  readonly callback: Parameters<ResolveName>[1];
}

/**
 * Lookups take threads, of which the process has four for all it does, and one that a name server leaves without an
 * answer keeps its thread for half a minute: so few are under way at once, of one organisation two, and the last place
 * is for one that has none. What nobody waits for any more is not begun; those who ask for one name at once share the
 * answer.
 */
export class LookupQueue {
  readonly #resolve: ResolveName;
  #waiting: Question[] = [];
  readonly #underWay = new Set<Question[]>();
  /** When an organisation that waits had its last turn. */
  readonly #turns = new Map<string, number>();
  #turn = 0;

  constructor(resolve: ResolveName) {
    this.#resolve = resolve;
  }

  ask(question: Question): void {
    const same = [...this.#underWay].find(([first]) => first?.hostname === question.hostname);
    if (same !== undefined) same.push(question);
    else {
      this.#waiting.push(question);
      this.#begin();
    }
  }

  #begin(): void {
    this.#waiting = this.#waiting.filter(({ asker }) => asker.isWaiting);
    while (this.#underWay.size < limits.lookupsAtOnce) {
      const next = this.#next();
      if (next === undefined) return;
      const others = this.#waiting.filter((one) => one !== next && one.hostname === next.hostname);
      const together = [next, ...others];
      this.#waiting = this.#waiting.filter((question) => !together.includes(question));
      this.#underWay.add(together);
      this.#resolve(next.hostname, (error, found) => {
        this.#underWay.delete(together);
        this.#noteTurn(next.asker.organization);
        for (const { callback } of together) callback(error, found);
        this.#begin();
      });
    }
  }

  /** Of the organisations that may have one more, the one whose last turn is the longest ago. */
  #next(): Question | undefined {
    const turnOf = ({ asker }: Question) => this.#turns.get(asker.organization) ?? 0;
    return this.#waiting
      .filter(({ asker }) => this.#mayBegin(asker.organization))
      .reduce<Question | undefined>((best, one) => (best && turnOf(best) <= turnOf(one) ? best : one), undefined);
  }

  #mayBegin(organization: string): boolean {
    const has = [...this.#underWay].filter(([first]) => first?.asker.organization === organization).length;
    const free = limits.lookupsAtOnce - this.#underWay.size;
    return has === 0 || (has < limits.lookupsAtOnceOfOrganization && free > 1);
  }

  #noteTurn(organization: string): void {
    this.#turn += 1;
    this.#turns.set(organization, this.#turn);
    for (const known of this.#turns.keys()) {
      if (!this.#waiting.some(({ asker }) => asker.organization === known)) this.#turns.delete(known);
    }
  }
}
