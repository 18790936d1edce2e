/** Headers that are sent twice, on the wire: clients in a library would join them. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { startRegistry } from '../../../support/service.ts';
import { assert, suite } from '../../../support/suite.ts';

const test = suite('http: single headers');

test('a Host or a token that is sent twice is 400 and named', async () => {
  const world = await startRegistry();
  const port = Number(new URL(world.url).port);
  const answerTo = async (lines: readonly string[]): Promise<string> => {
    const socket = connect(port, '127.0.0.1');
    socket.setEncoding('utf8');
    let text = '';
    socket.on('data', (more) => {
      text += more;
    });
    socket.write(`GET /api/whoami HTTP/1.1\r\n${lines.join('\r\n')}\r\nConnection: close\r\n\r\n`);
    await once(socket, 'close');
    return text;
  };
  try {
    const token = `Authorization: Bearer ${world.token}`;
    assert.match(await answerTo(['Host: localhost', token]), /^HTTP\/1\.1 200/);
    for (const [name, lines] of [
      ['Host', ['Host: localhost', 'Host: evil', token]],
      ['Authorization', ['Host: localhost', token, 'Authorization: Bearer other']],
    ] as const) {
      const answer = await answerTo(lines);
      assert.match(answer, /^HTTP\/1\.1 400/, name);
      assert.match(answer, `"parameter":"${name}"`);
    }
  } finally {
    await world.stop();
  }
});

test.run();
