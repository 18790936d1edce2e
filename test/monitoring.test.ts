/** The dashboard and the alerts ask for nothing that a running service does not tell. */
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { problemTable } from '../src/api/problems.ts';
import { programIsHere } from './support/mqtt-peers.ts';
import { runProgram } from './support/program.ts';
import { startRegistry } from './support/service.ts';
import { assert, suite } from './support/suite.ts';

const test = suite('dashboard and alerts');

const rulesFile = 'deploy/prometheus/gatebook.rules.yml';
interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string; readonly remedy: string };
}
const rules: readonly Rule[] = parse(readFileSync(rulesFile, 'utf8')).groups.flatMap(
  (group: { rules: readonly Rule[] }) => group.rules,
);
const dashboard = JSON.parse(readFileSync('deploy/grafana/gatebook.json', 'utf8'));

/** Every expression, and every question for the values of a variable. */
const asked: readonly string[] = [
  ...rules.map(({ expr }) => expr),
  ...dashboard.panels.flatMap(({ targets = [] }: { targets?: readonly { expr: string }[] }) =>
    targets.map(({ expr }) => expr),
  ),
  ...dashboard.annotations.list.map(({ expr }: { expr: string }) => expr),
  ...dashboard.templating.list.map(({ definition = '' }: { definition?: string }) => definition),
];

/** What Prometheus itself adds to whatever it scrapes. */
const ofTarget = ['job', 'instance'];

test('every metric that is asked for is told, with the labels that are asked for', async () => {
  const world = await startRegistry({ GATEBOOK_MQTT_WS_PORT: 'off', GATEBOOK_HTTPS_PORT: 'off' });
  try {
    const text: string = (await world.call('GET', '/metrics', { token: null })).body;
    const types = new Map(
      [...text.matchAll(/^# TYPE (\w+) (\w+)$/gm)].map(([, name = '', type]) => [name, type]),
    );
    const known = new Set(
      [...types].flatMap(([name, type]) =>
        type === 'histogram' ? [`${name}_bucket`, `${name}_count`, `${name}_sum`] : [name],
      ),
    );
    const labelsOf = new Map(
      world.running.app.metrics.registry
        .getMetricsAsArray()
        .map((metric) => [metric.name, (metric as unknown as { labelNames: string[] }).labelNames]),
    );
    const seen = new Set<string>();
    for (const expression of asked)
      for (const [, name = '', matchers = ''] of expression.matchAll(
        /\b((?:gatebook|process|nodejs)_\w+)(?:\{([^}]*)\})?/g,
      )) {
        assert.ok(known.has(name), `${name} is told by nobody: ${expression}`);
        const base = name.replace(/_(?:bucket|count|sum)$/, '');
        seen.add(base);
        const labels = labelsOf.get(labelsOf.has(name) ? name : base) ?? [];
        for (const [, label = ''] of matchers.matchAll(/(\w+)(?:=~|=|!=|!~)"/g))
          assert.ok([...labels, ...ofTarget].includes(label), `${name} has no ${label}`);
        const [, by = ''] = /\bby \(([^)]*)\)/.exec(expression) ?? [];
        for (const label of by.split(',').map((word) => word.trim()))
          assert.ok([...labels, ...ofTarget, 'le', ''].includes(label), `${name} has no ${label}`);
      }
    const untold = [...types.keys()].filter(
      (name) => name.startsWith('gatebook_') && !seen.has(name),
    );
    assert.equal(untold, [], 'what is told is on the dashboard');
    const checks = [...text.matchAll(/^gatebook_check_up\{check="([^"]+)"\}/gm)].map(
      ([, name]) => name,
    );
    assert.equal(checks, ['store', 'readModels', 'disk', 'broker:embedded']);
  } finally {
    await world.stop();
  }
});

test('codes are those of problems, and each alert says how bad it is and what to do', () => {
  for (const { expr, alert, labels, annotations } of rules) {
    for (const [, codes = ''] of expr.matchAll(/code=~?"([^"]+)"/g))
      for (const code of codes.split('|')) assert.ok(code in problemTable, code);
    assert.ok(['warning', 'critical'].includes(labels.severity), alert);
    assert.ok(annotations.summary.length > 0 && annotations.remedy.length > 0, alert);
  }
  assert.is(new Set(rules.map(({ alert }) => alert)).size, rules.length);
});

test('promtool finds the rules right, and they fire when they should', async () => {
  if (!programIsHere('promtool', '--version')) return;
  for (const args of [
    ['check', 'rules', rulesFile],
    ['test', 'rules', rulesFile.replace('.rules.', '.rules.test.')],
  ]) {
    const { code, output } = await runProgram('promtool', args);
    assert.is(code, 0, output);
  }
});

test.run();
