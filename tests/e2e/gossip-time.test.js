// Two releases' worth of gossip in one cluster, how long news takes between real nodes, and which news that was.
'use strict';
const assert = require('node:assert');
const test = require('node:test');
const {program, run, startNodes, until} = require('./cluster.js');

const gossip = async (asked, ...words) => {
  const {code, stdout, stderr} = await run(program, ['gossip', ...words, '--at', asked.address]);
  assert.strictEqual(code, 0, stderr + stdout);
  return stdout;
};

async function metric(node, series) {
  const {text} = await node.get('/metrics');
  const line = text.split('\n').find((one) => one.startsWith(`${series} `));
  return line ? Number(line.slice(series.length)) : 0;
}
const heard = async (node) => {
  const {text} = await node.get('/metrics');
  return text.split('\n').filter((line) => line.startsWith('trothdb_gossip_propagation_latency_seconds_count'))
    .reduce((sum, line) => sum + Number(line.split(' ')[1]), 0);
};
const UNDATED = 'trothdb_gossip_propagation_unmeasured_total{cause="undated"}';

let count = 0;
// Says something at `from` until `measure` at `at` has risen by it.
async function riseBy(from, at, measure) {
  const before = await measure(at);
  await until('what is said is measured', async () => {
    await gossip(from, 'set', 'count', String(++count));
    return (await measure(at)) > before;
  });
}

// What GOSSIP MEMBERS says of the wire version that `asked` speaks with each.
const wiresAre = (asked, expected) => until(`${asked.address} tells which version it speaks with whom`, async () => {
  const told = JSON.parse((await run(program, ['members', '--json', '--at', asked.address])).stdout);
  return expected.every(([node, wire]) => told.find(({client}) => client === node.address)?.wire === wire);
});

test('the way of news is measured, but not where it comes from an older release', async (t) => {
  const {nodes: [first, second, old]} = await startNodes(t, {nodes: 3});
  const setting = async (node, ...words) => node.ask('CONFIG', 'SET', ...words);
  assert.strictEqual(await setting(old, 'gossip-wire-maximum', '0'), 'OK');
  await riseBy(first, second, heard);
  await riseBy(second, first, heard);
  await riseBy(old, first, (node) => metric(node, UNDATED));
  await riseBy(first, old, (node) => metric(node, UNDATED));
  await wiresAre(first, [[first, 1], [second, 1], [old, 0]]);
  await wiresAre(old, [[first, 0], [old, 0]]);
  assert.strictEqual(await setting(old, 'gossip-wire-maximum', '1'), 'OK');
  await riseBy(old, first, heard);
  await wiresAre(first, [[first, 1], [second, 1], [old, 1]]);
  assert.ok(await metric(first, 'trothdb_gossip_clock_skew_seconds_count') > 0);
  const members = await until('both clocks are measured', async () => {
    const {stdout} = await run(program, ['members', '--json', '--at', first.address]);
    const others = JSON.parse(stdout).filter(({self}) => !Number(self));
    return others.length === 2 && others.every((other) => other.clock_error_us > 0) && others;
  });
  for (const {clock_offset_us: offset, clock_error_us: error} of members) {
    assert.ok(Math.abs(offset) <= error + 10000, `one machine, one clock: ${offset} us, +-${error} us`);
  }
  assert.ok(await metric(first, 'trothdb_gossip_clock_skew_largest_seconds') < 1, 'one machine, one clock');
  assert.strictEqual(await metric(first, 'trothdb_gossip_fan_out'), 4);
});

test('an exemplar names the trace id of news that both nodes logged', async (t) => {
  const {nodes: [said, heardBy]} = await startNodes(t, {nodes: 2});
  for (const node of [said, heardBy]) assert.strictEqual(await node.ask('CONFIG', 'SET', 'loglevel', 'debug'), 'OK');
  const exemplar = /^trothdb_gossip_propagation_latency_seconds_bucket\{type="\w+",le="([^"]+)"\} \d+ # \{trace_id="([0-9a-f]{8})"\} (\S+) (\S+)$/gm;
  const {text, type, bound, value, at} = await until('an exemplar of news in both logs', async () => {
    await gossip(said, 'set', 'count', String(++count));
    const open = await heardBy.get('/metrics', {accept: 'application/openmetrics-text'});
    const [saying, hearing] = [said.log, heardBy.log];
    return [...open.text.matchAll(exemplar)].map(([, le, id, took, when]) => ({...open, bound: le, id, value: took, at: Number(when)}))
      .find(({id}) => saying.includes(`msg="news said" trace=${id} `) && hearing.includes(`msg="news heard" trace=${id} `));
  });
  assert.strictEqual(type, 'application/openmetrics-text; version=1.0.0; charset=utf-8');
  assert.ok(text.endsWith('\n# EOF\n'), text.slice(-200));
  assert.ok(Number(value) <= Number(bound.replace('+Inf', 'Infinity')), `${value} s is in the bucket up to ${bound}`);
  assert.ok(Math.abs(Date.now() / 1000 - at) < 300, `${at} is about now`);
  const plain = await heardBy.get('/metrics');
  assert.strictEqual(plain.type, 'text/plain; version=0.0.4; charset=utf-8');
  assert.doesNotMatch(plain.text, /trace_id|# EOF/);
});

test('settings of the pace are live, and what cannot be is refused', async (t) => {
  const {nodes: [node]} = await startNodes(t, {nodes: 1});
  for (const [name, value] of [['gossip-goal-ms', '9'], ['gossip-adapt', 'perhaps'], ['gossip-wire-maximum', '2'],
    ['gossip-compress-min-bytes', '1161'], ['gossip-observers', '9'], ['gossip-helpers', '0'], ['gossip-grave-seconds', '59'],
    ['gossip-share-rest-percent', '34'], ['gossip-urgent-bytes', '199'], ['gossip-streams-served', '33']]) {
    const refusal = await node.ask('CONFIG', 'SET', name, value).catch((error) => error.message);
    assert.match(String(refusal.message || refusal), new RegExp(name), `${name} ${value}`);
  }
  assert.strictEqual(await metric(node, 'trothdb_gossip_goal_seconds'), 0.2);
  const refusal = await node.ask('CONFIG', 'SET', 'gossip-goal-ms', '350', 'gossip-helpers', '9').catch((error) => error.message);
  assert.match(String(refusal.message || refusal), /gossip-helpers/);
  assert.deepStrictEqual(await node.ask('CONFIG', 'GET', 'gossip-goal-ms'), ['gossip-goal-ms', '200'], 'all of it or nothing');
  assert.strictEqual(await node.ask('CONFIG', 'SET', 'gossip-goal-ms', '350', 'gossip-grave-seconds', '7200'), 'OK');
  await until('the new goal', async () => (await metric(node, 'trothdb_gossip_goal_seconds')) === 0.35);
  await until('it is logged', async () => /setting changed.* setting=gossip-grave-seconds before=86400 after=7200/.test(node.log));
  assert.strictEqual(await node.ask('CONFIG', 'SET', 'gossip-fan-out', '7'), 'OK');
  await until('the new fan-out', async () => (await metric(node, 'trothdb_gossip_fan_out')) === 7);
  assert.strictEqual(await node.ask('CONFIG', 'SET', 'gossip-adapt', 'no'), 'OK');
  await until('the pace is what the settings say', async () => (await metric(node, 'trothdb_gossip_pace')) === 0);
});
