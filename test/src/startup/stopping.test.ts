/** A stop lets what it finds under way finish: what was recorded is answered as done, the answer that has the only copy of a password above all. */
import { setTimeout as delay } from 'node:timers/promises';
import { newFolder, removeFolder, serve } from '../../support/process.ts';
import { assert, suite } from '../../support/suite.ts';

const test = suite<{ dataDir: string }>('stopping');
test.before.each(async (context) => {
  context.dataDir = await newFolder();
});
test.after.each(({ dataDir }) => removeFolder(dataDir));

for (const milliseconds of [3, 8, 15])
  test(`whoever is made ${milliseconds} ms before is told`, async ({ dataDir }) => {
    const names = Array.from({ length: 20 }, (_, at) => `press-${at}`);
    const served = await serve(dataDir);
    const token = await served.signIn();
    const asked = names.map((username) =>
      // Whom the stop finds before the request was read gets no answer.
      served.call('POST', '/api/users', { token, body: { username } }).catch(() => null),
    );
    await delay(milliseconds);
    served.kill('SIGTERM');
    const answers = await Promise.all(asked);
    assert.is(await served.ended, 0);
    const codes = answers.flatMap((answer) => (answer?.body as { code?: string })?.code ?? []);
    assert.not(codes.includes('position-not-reached'), `${codes}`);

    const again = await serve(dataDir);
    const { body } = await again.call('GET', '/api/users', { token: await again.signIn() });
    const made = (body as { items: { username: string }[] }).items.map(({ username }) => username);
    assert.equal(
      made.filter((username) => names.includes(username)).sort(),
      names.filter((_, at) => answers[at]?.status === 201).sort(),
    );
    again.kill('SIGTERM');
    assert.is(await again.ended, 0);
  });

test.run();
