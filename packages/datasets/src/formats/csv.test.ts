import { describe, expect, it } from 'vitest';
import { DataError } from '../errors.ts';
import { randomStream } from '../random.ts';
import { parseCsv } from './csv.ts';

describe('parseCsv', () => {
  it('reads plain records and remembers their lines', async () => {
    const table = await parseCsv('a,b\n1,2\n\n3,4');
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
  ])('reads %s', async (_, text, row) => {
    const table = await parseCsv(text);
    expect(table.header).toEqual(['a', 'b']);
    expect(table.rows).toEqual([row]);
  });

  it('counts lines inside quotes, of every ending', async () => {
    expect((await parseCsv('a\n"1\n2\n3"\n4')).lines).toEqual([2, 5]);
    expect((await parseCsv('a\r\n"1\r\n2\r3"\r\n\r\n4')).lines).toEqual([2, 6]);
  });

  it('takes another separator and no header', async () => {
    const table = await parseCsv('1;2\n3;4', { delimiter: ';', header: false });
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
    ['a,b\r\n1,2\r\n\r\n"3"4,5', 'format', 'line 4, column 1: text after a closing quote'],
    ['a,b\n"1\n2","3\n" 4', 'format', 'line 4, column 2: text after a closing quote'],
    ['a,b\n1, "2,3"\n', 'format', 'line 2, column 2: a quote inside an unquoted field'],
    ['a,a\n1,2', 'column', 'the column "a" appears twice: found columns 1 and 2. Give each column a name'],
    ['a,b, a\n1,2,3', 'column', 'the column "a" appears twice: found columns 1 and 3'],
    [',a,\n1,2,3', 'column', 'columns 1 and 3 have no name'],
    ['__proto__,__proto__\n1,2', 'column', 'the column "__proto__" appears twice'],
  ])('refuses %j', async (text, code, message) => {
    const error = await failure(parseCsv(text, { file: 't.csv' }));
    expect(error).toMatchObject({ kind: code, file: 't.csv' });
    expect(error.message).toContain(message);
  });

  it('reads back whatever is written by the rules', async () => {
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
      expect((await parseCsv(text, { header: false })).rows).toEqual(rows);
    }
  });

  it('answers any text with a table or a DataError', async () => {
    const random = randomStream(22);
    const letters = '"",,\n\r;a1 ';
    for (let round = 0; round < 3000; round++) {
      const length = random.integer(20);
      const text = Array.from({ length }, () => letters[random.integer(letters.length)]).join('');
      try {
        const { header, rows } = await parseCsv(text);
        for (const row of rows) expect(row).toHaveLength(header.length);
      } catch (error) {
        expect(error).toBeInstanceOf(DataError);
      }
    }
  });

  it('reads endings of all kinds in one text, and keeps those inside quotes', async () => {
    const { header, rows, lines } = await parseCsv('a,b\r\n1,"2\r3"\r4,5\n"6\r\n7",8');
    expect(header).toEqual(['a', 'b']);
    expect(rows).toEqual([
      ['1', '2\r3'],
      ['4', '5'],
      ['6\r\n7', '8'],
    ]);
    expect(lines).toEqual([2, 4, 5]);
  });

  it('takes columns and cells whatever they are called, and cells of megabytes', async () => {
    const names = ['__proto__', 'constructor', 'toString', '', 'größe 🌍'];
    const { header, rows } = await parseCsv(`${names.join(',')}\n1,2,3,4,5\n`);
    expect(header).toEqual(names);
    expect(rows).toEqual([['1', '2', '3', '4', '5']]);
    const long = 'x'.repeat(5_000_000);
    const table = await parseCsv(`a,b\n"${long}""",1\n${long},2`);
    expect(table.rows.map(([cell]) => cell.length)).toEqual([5_000_001, 5_000_000]);
  });

  it.each(['', ',,', '"', '\n', '\r', '\ufeff'])('refuses %j as a separator', async (delimiter) => {
    expect(await failure(parseCsv('a', { delimiter }))).toMatchObject({ kind: 'option' });
  });
});

async function failure(promise: Promise<unknown>): Promise<DataError> {
  return promise.then(
    () => {
      throw new Error('nothing was thrown');
    },
    (error) => error,
  );
}
