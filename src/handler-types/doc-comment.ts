const width = 110;

/** Paragraphs as a doc comment, wrapped; nothing where there are none. */
export function docComment(paragraphs: readonly string[], indent = ''): string {
  const [only, ...more] = paragraphs;
  if (only === undefined) return '';
  if (more.length === 0 && only.length <= width) return `${indent}/** ${only} */\n`;
  const lines = paragraphs.flatMap((paragraph) => wrapped(paragraph));
  return [`${indent}/**`, ...lines.map((line) => `${indent} * ${line}`), `${indent} */`, ''].join('\n');
}

function wrapped(paragraph: string): string[] {
  const lines: string[] = [];
  for (const word of paragraph.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + word.length < width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

const inTypeScript: Readonly<Record<string, string>> = {
  None: 'null',
  True: 'true',
  False: 'false',
  'a dict': 'an object',
  dict: 'object',
  dicts: 'objects',
  raises: 'throws',
};

/** What the helpers' pages say of Python, said of TypeScript. */
export function forTypeScript(text: string): string {
  return text
    .replace(', an Event of the Weni toolkit or a dict', '')
    .replace('an `Event` of the Weni toolkit, or a dict', 'an object')
    .replace(/\b(?:None|True|False|a dict|dicts?|raises)\b/gu, (word) => inTypeScript[word] ?? word)
    .replaceAll('*/', '* /');
}
