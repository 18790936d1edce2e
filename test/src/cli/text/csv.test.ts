import { csvText } from '../../../../src/cli/text/csv.ts';
import { assert, suite } from '../../../support/suite.ts';

const test = suite('cli csv');

test('no cell is a formula to a spreadsheet, and quotes stay quotes', () =>
  assert.is(
    csvText([
      ['=1+1', '+1', '-1', '@x', '\tx', '\rx', '\nx'],
      ['a,b', 'a"b', 'a=b', ''],
    ]),
    `"'=1+1","'+1","'-1","'@x","'\tx","'\rx","'\nx"\r\n"a,b","a""b","a=b",""\r\n`,
  ));

test.run();
