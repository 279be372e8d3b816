/** `0` is A, `26` is AA. */
export function columnName(index: number): string {
  const letter = String.fromCharCode(65 + (index % 26));
  return index < 26 ? letter : columnName(Math.floor(index / 26) - 1) + letter;
}

/** A sheet's title as it stands in a range: plain where nobody could take it for something else. */
export function sheetName(title: string): string {
  const plain = /^[A-Za-z_][A-Za-z0-9_]*$/.test(title) && !/^([A-Za-z]{1,3}\d+|[Rr]\d*[Cc]\d*)$/.test(title);
  return plain ? title : `'${title.replaceAll("'", "''")}'`;
}

/** One row of so many columns, counted from 1: `Sheet1!A5:C5`. */
export function rowRange(title: string, row: number, columns: number): string {
  return `${sheetName(title)}!A${String(row)}:${columnName(columns - 1)}${String(row)}`;
}

/** So many columns from a row on, to the end of the sheet: `Sheet1!A5:C`. */
export function rowsFrom(title: string, row: number, columns: number): string {
  return `${sheetName(title)}!A${String(row)}:${columnName(columns - 1)}`;
}
