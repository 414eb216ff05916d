import { describe, expect, it } from 'vitest';
import { DataError } from '../errors.ts';
import { randomStream } from '../random.ts';
import { parseCsv } from './csv.ts';

describe('parseCsv', () => {
  it('reads plain records and remembers their lines', () => {
    const table = parseCsv('a,b\n1,2\n\n3,4');
    expect(table).toEqual({
      header: ['a', 'b'],
      rows: [
        ['1', '2'],
        ['3', '4'],
      ],
      lines: [2, 4],
    });
  });

  // The rules of RFC 4180, section 2, items 5 to 7, and the endings and marks that programs write.
  it.each([
    ['quotes', '"a","b"\n"1","x y"', ['1', 'x y']],
    ['doubled quotes', 'a,b\n"say ""hi""",2', ['say "hi"', '2']],
    ['separators inside', 'a,b\n"1,5",2', ['1,5', '2']],
    ['line breaks inside', 'a,b\r\n"1\r\n5",2\r\n', ['1\r\n5', '2']],
    ['empty fields', 'a,b\n,', ['', '']],
    ['empty quoted fields', 'a,b\n"",""', ['', '']],
    ['carriage returns alone', 'a,b\r1,2\r', ['1', '2']],
    ['a byte-order mark', '\ufeffa,b\n1,2', ['1', '2']],
    ['spaces', 'a , b\n 1 ,2', [' 1 ', '2']],
  ])('reads %s', (_, text, row) => {
    const table = parseCsv(text);
    expect(table.header).toEqual(['a', 'b']);
    expect(table.rows).toEqual([row]);
  });

  it('counts lines inside quotes', () => {
    expect(parseCsv('a\n"1\n2\n3"\n4').lines).toEqual([2, 5]);
  });

  it('takes another separator and no header', () => {
    const table = parseCsv('1;2\n3;4', { delimiter: ';', header: false });
    expect(table.header).toEqual(['column 1', 'column 2']);
    expect(table.rows).toHaveLength(2);
  });

  it.each([
    ['', 'format', 'no records'],
    ['\n \n', 'format', 'no records'],
    ['a,b\n1,"2', 'format', 'line 2, column 2: a quote is never closed'],
    ['a,b\n"1"x,2', 'format', 'line 2, column 1: text after a closing quote'],
    ['a,b\n1"2,2', 'format', 'line 2, column 1: a quote inside an unquoted field'],
    [
      'a,b\n1,2\n1,2,3',
      'format',
      'line 3 has a different number of fields: expected 2 fields as on line 1, found 3',
    ],
    ['a,a\n1,2', 'column', 'the column "a" appears twice'],
  ])('refuses %j', (text, code, message) => {
    const error = catchError(() => parseCsv(text, { file: 't.csv' }));
    expect(error).toMatchObject({ code, file: 't.csv' });
    expect(error.message).toContain(message);
  });

  it('reads back whatever is written by the rules', () => {
    const random = randomStream(21);
    const letters = 'ab",\n\r 1é';
    for (let round = 0; round < 300; round++) {
      const width = 2 + random.integer(3);
      const rows = Array.from({ length: 1 + random.integer(4) }, () =>
        Array.from({ length: width }, () =>
          Array.from({ length: random.integer(5) }, () => letters[random.integer(letters.length)]).join(''),
        ),
      );
      const text = rows.map((row) => row.map((f) => `"${f.replaceAll('"', '""')}"`).join(',')).join('\n');
      expect(parseCsv(text, { header: false }).rows).toEqual(rows);
    }
  });

  it('answers any text with a table or a DataError', () => {
    const random = randomStream(22);
    const letters = '"",,\n\r;a1 ';
    for (let round = 0; round < 3000; round++) {
      const length = random.integer(20);
      const text = Array.from({ length }, () => letters[random.integer(letters.length)]).join('');
      try {
        const { header, rows } = parseCsv(text);
        for (const row of rows) expect(row).toHaveLength(header.length);
      } catch (error) {
        expect(error).toBeInstanceOf(DataError);
      }
    }
  });
});

function catchError(run: () => unknown): DataError {
  try {
    run();
  } catch (error) {
    return error as DataError;
  }
  throw new Error('nothing was thrown');
}
