import { expect, test } from 'vitest';
import type { JsonValue } from '../../src/contract/json.ts';
import { pythonText } from '../../src/domain/python-text.ts';

const cases: readonly (readonly [JsonValue, string])[] = [
  ['as it is', 'as it is'],
  ['', ''],
  [42, '42'],
  [-0.5, '-0.5'],
  [1e-7, '1e-07'],
  [1e21, '1000000000000000000000'],
  [true, 'True'],
  [false, 'False'],
  [null, 'None'],
  [['a', 'b'], "['a', 'b']"],
  [[1, true, null, 'x'], "[1, True, None, 'x']"],
  [["it's", 'say "hi"', `both ' and "`], `["it's", 'say "hi"', 'both \\' and "']`],
  [['line\nend\\', '\u0001\u0085'], "['line\\nend\\\\', '\\x01\\x85']"],
  [{ a: [1], b: {} }, "{'a': [1], 'b': {}}"],
];

test.each(cases)('%j is written as Python writes it: %s', (value, text) => {
  expect(pythonText(value)).toBe(text);
});
