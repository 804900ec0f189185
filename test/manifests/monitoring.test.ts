/** The alerts: they speak of metrics that there are, fire when they should, and have a page each. */
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { execa } from 'execa';
import { dump, load } from 'js-yaml';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { reasons } from '../../src/api/conditions.ts';
import { createMetrics } from '../../src/ops/metrics.ts';
import { newDirectory, removeDirectories } from '../support/directories.ts';
import { alertCases } from './alerts.ts';

jest.setTimeout(120_000);

interface Alert {
  readonly alert: string;
  readonly expr: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

const root = join(import.meta.dirname, '../..');
const monitoring = join(root, 'manifests/monitoring');
const { spec } = load(readFileSync(join(monitoring, 'prometheus-rule.yaml'), 'utf8')) as {
  spec: { groups: readonly { readonly rules: readonly Alert[] }[] };
};
const alerts = spec.groups.flatMap(({ rules }) => rules);

/** Of every metric that the operator can have: its labels. */
const labelsByMetric = (): ReadonlyMap<string, readonly string[]> => {
  const metrics = createMetrics();
  metrics.emulation();
  metrics.builds();
  return new Map(
    metrics.registry.getMetricsAsArray().flatMap((metric) => {
      const { name, labelNames = [] } = metric as unknown as {
        readonly name: string;
        readonly labelNames?: readonly string[];
      };
      const parts = ['_bucket', '_sum', '_count'].map((suffix) => `${name}${suffix}`);
      return [[name, labelNames], ...parts.map((part) => [part, [...labelNames, 'le']])] as const;
    }) as [string, readonly string[]][],
  );
};

/** What Prometheus says of whatever it asks, and the labels that it gives to all that is read by a ServiceMonitor. */
const known = new Map([...labelsByMetric(), ['up', []]]);
const ofTarget = ['job', 'namespace', 'pod', 'instance', 'service', 'endpoint', 'container'];

const functions = new Set(['absent', 'max', 'sum', 'rate', 'increase', 'histogram_quantile']);
const words = new Set(['by', 'and', 'on']);

/** Metrics of an expression, each with the labels that it is asked by. */
const selectorsOf = (expr: string) => {
  const bare = expr.replaceAll(/\b(by|on) \([^)]*\)/g, '');
  return [...bare.matchAll(/\b([a-zA-Z_]\w*)(\{[^}]*\})?/g)]
    .filter(([, name = '']) => !functions.has(name) && !words.has(name) && !/^\d/.test(name))
    .filter(({ index }) => !isInside(bare, index))
    .map(([, name = '', matchers = '']) => ({
      name,
      labels: [...matchers.matchAll(/(\w+)\s*(=~|!~|!=|=)/g)].map(([, label = '']) => label),
    }));
};

/** Whether what stands there is a part of matchers, or a duration. */
const isInside = (text: string, at: number): boolean => {
  const before = text.slice(0, at);
  return (
    before.lastIndexOf('{') > before.lastIndexOf('}') || before.lastIndexOf('[') > before.lastIndexOf(']')
  );
};

describe('every alert', () => {
  test.each(alerts)('$alert asks for metrics and labels that there are', ({ expr }) => {
    const selectors = selectorsOf(expr);
    expect(selectors).not.toEqual([]);
    for (const { name, labels } of selectors) {
      expect([...known.keys()]).toContain(name);
      for (const label of labels) expect([...ofTarget, ...(known.get(name) ?? [])]).toContain(label);
    }
    const grouping = [...expr.matchAll(/\b(?:by|on) \(([^)]*)\)/g)].flatMap(([, list = '']) =>
      list.split(', '),
    );
    const all = selectors.flatMap(({ name }) => known.get(name) ?? []);
    for (const label of grouping) expect([...ofTarget, ...all]).toContain(label);
  });

  test.each(alerts)('$alert says what it means, how bad it is, and where to read on', (alert) => {
    expect(['warning', 'critical']).toContain(alert.labels['severity']);
    expect(Object.keys(alert.annotations)).toEqual(['summary', 'description', 'runbook']);
    expect(alert.annotations['runbook']).toBe(`docs/runbooks/${alert.alert}.md`);
  });

  test('has a page of its name, and every page an alert', () => {
    const pages = readdirSync(join(root, 'docs/runbooks')).filter((name) => name !== 'README.md');
    expect(pages.sort()).toEqual(alerts.map(({ alert }) => `${alert}.md`).sort());
  });

  test.each(alerts)('$alert has a page that says what it means, how to look and what to do', ({ alert }) => {
    const page = readFileSync(join(root, `docs/runbooks/${alert}.md`), 'utf8');
    expect(page.split('\n')[0]).toBe(`# ${alert}`);
    expect([...page.matchAll(/^## (.*)$/gm)].map(([, heading]) => heading)).toEqual([
      ...['What it means', 'How to look', 'What to do'],
    ]);
  });
});

test('classes of failed builds are words of the status', () => {
  const classes = alerts.flatMap(({ expr }) => /class=~"([^"]*)"/.exec(expr)?.[1]?.split('|') ?? []);
  expect(classes.length).toBeGreaterThan(5);
  for (const one of classes) expect(Object.keys(reasons)).toContain(one);
});

describe('Prometheus', () => {
  let directory: string;
  beforeAll(() => {
    directory = newDirectory();
    writeFileSync(join(directory, 'rules.yaml'), dump(spec));
  });
  afterAll(removeDirectories);

  test('takes the rules', async () => {
    const { stdout } = await execa('promtool', ['check', 'rules', join(directory, 'rules.yaml')]);
    expect(stdout).toContain(`SUCCESS: ${alerts.length} rules found`);
  });

  test('fires them when they should, and not otherwise', async () => {
    const file = join(directory, 'tests.yaml');
    writeFileSync(file, dump({ rule_files: ['rules.yaml'], evaluation_interval: '1m', tests: alertCases }));
    const { stdout, stderr, exitCode } = await execa('promtool', ['test', 'rules', file], { reject: false });
    expect({ exitCode, said: `${stdout}\n${stderr}` }).toEqual({
      exitCode: 0,
      said: expect.stringContaining('SUCCESS'),
    });
  });

  test('has a case of each that fires, and one that does not', () => {
    for (const { alert } of alerts) {
      const tried = alertCases.flatMap(({ alert_rule_test }) => alert_rule_test).filter(({ alertname }) => alertname === alert); // prettier-ignore
      expect({ alert, fires: tried.some(({ exp_alerts }) => exp_alerts.length > 0) }).toEqual({
        alert,
        fires: true,
      });
      expect({ alert, rests: tried.some(({ exp_alerts }) => exp_alerts.length === 0) }).toEqual({
        alert,
        rests: true,
      });
    }
  });
});
