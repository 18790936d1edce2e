import { CommandFailed } from '../../../../src/cli/command.ts';
import { declarationIn } from '../../../../src/cli/declared/document.ts';
import { assert, suite } from '../../../support/suite.ts';

const test = suite('declared document');

const faults = (text: string): readonly string[] => {
  try {
    declarationIn('plant.yaml', text);
  } catch (error) {
    assert.instance(error, CommandFailed);
    assert.is((error as CommandFailed).exitCode, 2);
    return (error as CommandFailed).hints;
  }
  return [];
};

test('what is left out is none', () => {
  const { roles, preauthorizations, clients } = declarationIn(
    'plant.yaml',
    'name: plant\nroles:\n  idle:\nclients:\n  press-17:\n    roles: [press]\npreauthorizations:\n',
  );
  assert.equal(roles, { idle: { description: null, permissions: [] } });
  assert.equal(preauthorizations, {});
  assert.equal(clients['press-17'], {
    ...{ roles: ['press'], permissions: [], mqttPublishPrefix: null, mqttClientId: null },
    expiresAt: null,
  });
});

test('one address is the network of itself', () => {
  const { preauthorizations } = declarationIn(
    'plant.yaml',
    'name: plant\npreauthorizations:\n  a: {sources: [10.4.0.17], until: 2099-01-01T00:00:00Z}\n',
  );
  assert.equal(preauthorizations.a?.sources, ['10.4.0.17/32']);
});

test('every fault is told with its line and field', () => {
  assert.equal(
    faults(`name: plant
roles:
  press:
    permissons: [mqtt:read:a]
  bad role: {}
clients:
  press-17:
    permissions:
      - mqtt:read:plant/#
      - plant/#
    expiresAt: tomorrow
preauthorizations:
  line-4:
    sources: [10.0.0]
`),
    [
      'plant.yaml:4: roles.press.permissons: there is no such field; did you mean permissions?',
      'plant.yaml:5: roles.bad role: Invalid key in record',
      'plant.yaml:10: clients.press-17.permissions.1: must be CONTEXT:OPERATION:RESOURCE such as mqtt:readWrite:plant/#',
      'plant.yaml:11: clients.press-17.expiresAt: must be an instant such as 2026-11-23T10:00:00.000Z',
      'plant.yaml:13: preauthorizations.line-4.until: Invalid input: expected string, received undefined',
      'plant.yaml:14: preauthorizations.line-4.sources.0: must be a network such as 10.0.0.0/8 or fd00::/8',
    ],
  );
});

test('what is no YAML, said twice, or an avalanche is told', () => {
  assert.match(
    faults('name: plant\nroles:\n  a: {}\n  a: {}\n').join(),
    /^plant\.yaml:4: .*unique/,
  );
  assert.match(faults('name: [\n').join(), /^plant\.yaml:\d: /);
  assert.match(faults('').join(), /^plant\.yaml:1: the file: /);
  const bomb = `a: &a [x, x, x, x, x, x, x, x, x]\n${['b', 'c', 'd', 'e', 'f', 'g']
    .map((name, at) => `${name}: &${name} [${`*${'abcdef'[at]}, `.repeat(9)}]`)
    .join('\n')}\n`;
  assert.match(faults(bomb).join(), /^plant\.yaml:1: .*alias/i);
});

test.run();
