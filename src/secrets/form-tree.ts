interface Node {
  /** By first character. */
  readonly edges: Map<number, Edge>;
  /** The form that ends here, -1 where none does. */
  form: number;
  /** One that goes through here. */
  readonly through: number;
}

interface Edge {
  readonly text: string;
  readonly node: Node;
}

/**
 * All forms as one radix tree, since it is made for each attempt: an automaton that takes a step a character (Aho and
 * Corasick) took 100 ms to make for one key of 3 KB in all its forms, this takes 7.
 */
export class FormTree {
  readonly #root: Node = { edges: new Map(), form: -1, through: -1 };
  readonly #lengths: readonly number[];
  /** Marked for each form: its first character, and its first two; of each the lower 8 bits. */
  readonly #first = new Uint8Array(1 << 8);
  readonly #firstTwo = new Uint8Array(1 << 16);

  /** Of at least two characters each. */
  constructor(forms: readonly string[]) {
    this.#lengths = forms.map(({ length }) => length);
    for (const [index, form] of forms.entries()) {
      this.#first[form.charCodeAt(0) & 0xff] = 1;
      this.#firstTwo[((form.charCodeAt(0) & 0xff) << 8) | (form.charCodeAt(1) & 0xff)] = 1;
      insert(this.#root, form, index);
    }
  }

  lengthOf(form: number): number {
    return this.#lengths[form] ?? 0;
  }

  /** The first place from here on where a form may begin; the text's length where there is none. */
  next(text: string, from: number): number {
    const last = text.length - 1;
    let code = text.charCodeAt(from) & 0xff;
    for (let at = from; at < last; at += 1) {
      const following = text.charCodeAt(at + 1) & 0xff;
      if (this.#firstTwo[(code << 8) | following] === 1) return at;
      code = following;
    }
    return from <= last && this.#first[code] === 1 ? last : text.length;
  }

  begin(): FormCursor {
    return new FormCursor(this.#root);
  }
}

/** A place in the tree: follows a text as long as that follows one of the forms. */
export class FormCursor {
  #node: Node;
  /** Towards it, so many characters behind the node. */
  #edge: Edge | undefined;
  #offset = 0;

  constructor(root: Node) {
    this.#node = root;
  }

  /** False, and nowhere any more, where no form goes on so. */
  advance(code: number): boolean {
    this.#edge ??= this.#node.edges.get(code);
    if (this.#edge?.text.charCodeAt(this.#offset) !== code) return false;
    this.#offset += 1;
    if (this.#offset === this.#edge.text.length) {
      this.#node = this.#edge.node;
      this.#edge = undefined;
      this.#offset = 0;
    }
    return true;
  }

  /** The form that ends exactly here, -1 where none does. */
  get ended(): number {
    return this.#edge === undefined ? this.#node.form : -1;
  }

  /** One that goes on from here, -1 where none does. */
  get goesOn(): number {
    if (this.#edge !== undefined) return this.#edge.node.through;
    return this.#node.edges.size > 0 ? this.#node.through : -1;
  }
}

function insert(root: Node, form: string, index: number): void {
  let node = root;
  let rest = form;
  while (rest !== '') {
    const edge = node.edges.get(rest.charCodeAt(0));
    if (edge === undefined) {
      const leaf: Node = { edges: new Map(), form: -1, through: index };
      node.edges.set(rest.charCodeAt(0), { text: rest, node: leaf });
      node = leaf;
      rest = '';
    } else {
      const common = commonLength(edge.text, rest);
      node = common < edge.text.length ? split(node, edge, common) : edge.node;
      rest = rest.slice(common);
    }
  }
  node.form = index;
}

/** Puts a node into the edge, behind so many of its characters. */
function split(node: Node, { text, node: below }: Edge, length: number): Node {
  const edges = new Map([[text.charCodeAt(length), { text: text.slice(length), node: below }]]);
  const between: Node = { edges, form: -1, through: below.through };
  node.edges.set(text.charCodeAt(0), { text: text.slice(0, length), node: between });
  return between;
}

function commonLength(one: string, other: string): number {
  const most = Math.min(one.length, other.length);
  let length = 0;
  while (length < most && one.charCodeAt(length) === other.charCodeAt(length)) length += 1;
  return length;
}
