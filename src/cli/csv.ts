/** Comma-separated values (RFC 4180). */

/** The records of a text, each a list of fields; empty lines are left out. Throws `SyntaxError` if a quoted field does not end as it must. */
export function readCsv(text: string): string[][] {
  const records: string[][] = [];
  let record: string[] = [];
  const field = /"((?:[^"]|"")*)"(?=[,\r\n]|$)|([^",\r\n]*)/y;
  const source = text.replace(/^\ufeff/, '');
  for (let at = 0; at <= source.length;) {
    field.lastIndex = at;
    const match = field.exec(source);
    if (match === null) break;
    record.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? '');
    at += match[0].length;
    const end = source[at];
    if (end === '"')
      throw new SyntaxError(`a quotation mark that is out of place in record ${records.length + 1}`);
    if (end === ',') {
      at++;
      continue;
    }
    if (record.length > 1 || record[0] !== '') records.push(record);
    record = [];
    at += source.startsWith('\r\n', at) ? 2 : 1;
  }
  return records;
}
