// The alerts do what they say, by promtool; and what dashboards and alerts show exists.
'use strict';

const test = require('node:test');
const assert = require('node:assert');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { spawnSync } = require('node:child_process');

const root = path.join(__dirname, '../..');
const deploy = path.join(root, 'deploy');

function filesUnder(folder) {
  return fs.readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const at = path.join(folder, entry.name);
    return entry.isDirectory() ? filesUnder(at) : [at];
  });
}

function metrics() {
  const text = fs.readFileSync(path.join(root, 'src/metric/metric.def'), 'utf8');
  return new Map([...text.matchAll(/^METRIC\((\w+), (\w+), (?:NULL|"(\w+)")/gm)]
    .map(([, name, kind, label]) => [`trothdb_${name}`, { kind, label }]));
}

function metricOf(known, name) {
  const base = name.replace(/_(bucket|sum|count)$/, '');
  return known.get(name) || (['HISTOGRAM', 'TRACED'].includes(known.get(base)?.kind) ? known.get(base) : undefined);
}

test('alerts are raised by what they are about, and by nothing else', (t) => {
  const rules = ['data', 'gossip'].map((name) => path.join(deploy, `prometheus/${name}.test.yml`));
  const run = spawnSync('promtool', ['test', 'rules', ...rules], { encoding: 'utf8' });
  if (run.error?.code === 'ENOENT') return t.skip('promtool is not installed: tools/setup test');
  assert.strictEqual(run.status, 0, run.stdout + run.stderr);
});

test('each alert is tried', () => {
  for (const name of ['data', 'gossip']) {
    const [rules, tried] = ['rules', 'test'].map((kind) => fs.readFileSync(path.join(deploy, `prometheus/${name}.${kind}.yml`), 'utf8'));
    const alerts = [...rules.matchAll(/- alert: (\w+)/g)].map(([, alert]) => alert);
    const isRaised = (alert) => new RegExp(`alertname: ${alert}\\n\\s*exp_alerts`).test(tried);
    assert.deepStrictEqual(alerts.filter((alert) => !isRaised(alert)), [], 'alerts that are raised nowhere');
    assert.ok(alerts.length > 5, 'the alerts were found');
  }
});

test('Prometheus takes the scraping that the page shows, with the alerts beside it', (t) => {
  const shown = /^ {4}global:[\s\S]*?\n(?=\n\S)/m.exec(fs.readFileSync(path.join(deploy, 'README.md'), 'utf8'))[0].replace(/^ {4}/gm, '');
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'trothdb-deploy-'));
  t.after(() => fs.rmSync(directory, { recursive: true }));
  for (const file of ['data.rules.yml', 'gossip.rules.yml']) fs.copyFileSync(path.join(deploy, 'prometheus', file), path.join(directory, file));
  fs.writeFileSync(path.join(directory, 'prometheus.yml'), shown);
  const run = spawnSync('promtool', ['check', 'config', path.join(directory, 'prometheus.yml')], { encoding: 'utf8' });
  if (run.error?.code === 'ENOENT') return t.skip('promtool is not installed: tools/setup test');
  assert.strictEqual(run.status, 0, run.stdout + run.stderr);
  assert.match(run.stdout, /2 rule files found/);
  const targets = [...shown.matchAll(/\d+\.\d+\.\d+\.\d+:(\d+)/g)].map(([, port]) => Number(port));
  for (const port of targets) assert.ok(port > 9000 && port < 9100, `${port} is the admin port of a node whose client port is the usual one`);
});

test('every metric that alerts and dashboards name exists, with that label', () => {
  const known = metrics();
  const named = new Set();
  for (const file of filesUnder(deploy).filter((each) => /\.(json|yml)$/.test(each))) {
    const text = fs.readFileSync(file, 'utf8').replace(/\\"/g, '"');
    for (const [, name, selector] of text.matchAll(/\b(trothdb_\w+)\b(?:\{([^}]*)\})?/g)) {
      const metric = metricOf(known, name);
      assert.ok(metric, `${path.relative(root, file)} names ${name}, which metric.def does not have`);
      named.add(name);
      for (const [, label] of (selector || '').matchAll(/(\w+)\s*(?:=~|!~|!=|=)\s*"/g)) {
        assert.ok(['job', 'instance', 'le', metric.label].includes(label), `${name} has no label ${label}`);
      }
    }
  }
  assert.ok(named.size > 10, 'the files were found');
});

const boards = () => filesUnder(path.join(deploy, 'grafana')).map((file) => JSON.parse(fs.readFileSync(file, 'utf8')));
const targets = () => boards().flatMap(({ panels }) => panels).flatMap((panel) => panel.targets.map((target) => ({ panel, ...target })));

test('Prometheus understands what a dashboard asks it', (t) => {
  const asked = targets().map(({ expr }) => expr.replaceAll('$__rate_interval', '1m').replaceAll('$job', '.+'));
  for (const expr of asked) assert.doesNotMatch(expr, /\$/, 'a variable that this test does not know');
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'trothdb-deploy-'));
  t.after(() => fs.rmSync(directory, { recursive: true }));
  const file = path.join(directory, 'asked.yml'); // JSON is YAML
  fs.writeFileSync(file, JSON.stringify({ groups: [{ name: 'asked', rules: asked.map((expr, at) => ({ record: `asked:${at}`, expr })) }] }));
  const run = spawnSync('promtool', ['check', 'rules', file], { encoding: 'utf8' });
  if (run.error?.code === 'ENOENT') return t.skip('promtool is not installed: tools/setup test');
  assert.strictEqual(run.status, 0, run.stdout + run.stderr);
  assert.match(run.stdout, new RegExp(`${asked.length} rules found`));
});

test('who sees slow news on the dashboard finds its trace id there', () => {
  for (const { panel, exemplar, expr } of targets().filter(({ expr: asked }) => asked.includes('gossip_propagation_latency_seconds'))) {
    assert.strictEqual(exemplar, true, `${panel.title}: ${expr}`);
  }
});

test('a dashboard is JSON that Grafana reads: panels with targets, each on its own place', () => {
  for (const board of boards()) {
    const places = board.panels.map((panel) => `${panel.gridPos.x},${panel.gridPos.y}`);
    assert.strictEqual(new Set(places).size, board.panels.length);
    for (const panel of board.panels) assert.ok(panel.targets.length > 0 && panel.title && panel.description);
  }
});
