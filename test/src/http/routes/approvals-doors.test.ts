/** Where several people decide, HTTP rights are granted by the pairing ID: what asked without one gets none. */
import { newCause } from '../../../../src/commands/handle.ts';
import { doorOf, newName, strong } from '../../../support/door.ts';
import { knockAt } from '../../../support/door-at-mqtt.ts';
import { startRegistry, type World } from '../../../support/service.ts';
import { assert, suite } from '../../../support/suite.ts';

const test = suite<{ world: World }>('HTTP rights by the doors');

test.before(async (here) => {
  here.world = await startRegistry({ GATEBOOK_APPROVALS: '2' });
  await doorOf(here.world).unlock();
});
test.after(({ world }) => world.stop());

const base = '/api/client-registry/requests';

async function pendingOf({ call }: World, username: string) {
  const { items } = (await call('GET', `${base}?status=pending&q=${username}`)).body;
  return items[0];
}

const asks: Readonly<Record<string, (world: World, username: string) => unknown>> = {
  MQTT: (world, username) => knockAt(world, { username, password: strong() }),
  EST: async ({ running }, username) =>
    running.app.registration.ask(
      {
        ...{ username, password: strong(), source: '127.0.0.1', flow: 'explicit', door: 'est' },
        ...{ clientId: null, pairingId: null, context: null },
        ...{ requestedRoles: [], requestedPermissions: [] },
      },
      newCause(),
    ),
};

for (const [door, ask] of Object.entries(asks))
  test(`what asked by ${door} is granted no HTTP rights, by however many`, async ({ world }) => {
    const username = newName();
    await ask(world, username);
    const { requestId } = await pendingOf(world, username);
    const ways = [
      { path: `${base}/${requestId}/grant`, body: {} },
      { path: `${base}/grant`, body: { ids: [requestId] } },
    ];
    for (const { path, body } of ways) {
      const refused = await world.call('POST', path, { body: { ...body, roles: ['auditor'] } });
      assert.equal([refused.status, refused.body.code], [403, 'rights-exceed-own']);
      assert.match(refused.body.detail, new RegExp(`${username} asked by ${door}`));
      assert.is((await world.call('POST', path, { body })).status, 202);
    }
  });

test('what asked by REST may be granted them, by two', async ({ world }) => {
  const { requestId } = await doorOf(world).pending();
  const body = { roles: ['auditor'] };
  assert.is((await world.call('POST', `${base}/${requestId}/grant`, { body })).status, 202);
});

test.run();
