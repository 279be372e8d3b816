import { expect, test } from 'vitest';
import { describeJsonError, lineOfJsonPath } from '../../../src/cli/source-position.ts';

function complaint(text: string): string {
  try {
    JSON.parse(text);
    return 'none';
  } catch (error) {
    return describeJsonError(text, error);
  }
}

test.each([
  ['{\n  "a": 1,\n}', /^line 3, column 1: /],
  ['{"a": 1', /^line 1, column 8: /],
  ['{"a": 1}\n\n\n', /^none$/],
  ['{"a": 1} x', /^line 1, column 10: /],
  ["{'a': 1}", /^line 1, column 2: /],
  ['{"a": "b\nc"}', /^line 1, column 9: /],
  ['{\n\n  "a": NaN\n}', /^line 3, column 8: /],
  [`{\n  "filler": "${'x'.repeat(100)}",\n  "a": NaN\n}`, /^line 3, column 8: /],
  ['', /^line 1, column 1: /],
])('says where %j stops being JSON', (text, place) => {
  expect(complaint(text)).toMatch(place);
});

const text = '{\n  "a": {\n    "b": [\n      1,\n      {"c": 2}\n    ]\n  }\n}';

test.each([
  [[], 1],
  [['a', 'b', 1, 'c'], 5],
  [['a', 'b', 0], 4],
  [['a', 'missing', 'deeper'], 2],
])('the line of %j is %i, of its parent where it is missing', (path, line) => {
  expect(lineOfJsonPath(text, path)).toBe(line);
});
