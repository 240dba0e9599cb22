// A traced command is found, by its id, in the logs of all replicas that handled its entry, and in the slow log.
'use strict';
const assert = require('node:assert');
const test = require('node:test');
const {startCluster, until} = require('./cluster.js');

const KEY = '{trace}k';
const FOLLOWER = ['appended', 'durable', 'committed', 'applied'];
const lines = (node, id) => node.log.split('\n').filter((line) => line.includes(` trace=${id} `));
const stages = (node, id) => lines(node, id).map((line) => /stage=([\w-]+)/.exec(line)[1]);

async function leaderOf(cluster) {
  const slot = await cluster.nodes[0].ask('CLUSTER', 'KEYSLOT', KEY);
  return until('a leader', () => cluster.leaderOf(slot));
}

test('traces', async (t) => {
  const cluster = await startCluster(t, {nodes: 3, shards: 2, workers: 2, isCalm: true});
  const leader = await leaderOf(cluster);
  const followers = cluster.nodes.filter((node) => node !== leader);

  await t.test('one traced SET is found in three logs, stage by stage', async () => {
    assert.strictEqual(await leader.ask('TROTHDB', 'TRACE', 'order-4711', 'SET', KEY, 'v'), 'OK');
    await until('all have applied it', async () => cluster.nodes.every((node) => stages(node, 'order-4711').includes('applied')));
    for (const node of followers) assert.deepStrictEqual(stages(node, 'order-4711').sort(), [...FOLLOWER].sort());
    await until('the leader has it durable', async () => stages(leader, 'order-4711').includes('durable'));
    assert.deepStrictEqual(stages(leader, 'order-4711').sort(), ['proposed', 'replied', ...FOLLOWER].sort());
    const places = cluster.nodes.flatMap((node) => lines(node, 'order-4711')).map((line) => /index=\d+/.exec(line)).filter(Boolean);
    assert.strictEqual(new Set(places.map(String)).size, 1, 'all name the same index');
    assert.match(lines(leader, 'order-4711').find((line) => line.includes('stage=replied')), /outcome=done us=\d+/);
  });

  await t.test('the slow log shows the id', async () => {
    await leader.ask('CONFIG', 'SET', 'slowlog-log-slower-than', '0');
    await leader.ask('SLOWLOG', 'RESET');
    assert.strictEqual(await leader.ask('TROTHDB', 'TRACE', 'slow-1', 'SET', KEY, 'w'), 'OK');
    await leader.ask('CONFIG', 'SET', 'slowlog-log-slower-than', '-1');
    const entries = await leader.ask('SLOWLOG', 'GET', '-1');
    assert.deepStrictEqual(entries.map((entry) => entry[3]).find((words) => words.includes('slow-1')),
      ['TROTHDB', 'TRACE', 'slow-1', 'SET', KEY, 'w']);
  });

  await t.test('trace-one-in picks writes', async () => {
    await leader.ask('CONFIG', 'SET', 'trace-one-in', '2', 'slowlog-log-slower-than', '0');
    await leader.ask('SLOWLOG', 'RESET');
    for (let i = 0; i < 8; i++) assert.strictEqual(await leader.ask('SET', KEY, i), 'OK');
    await leader.ask('CONFIG', 'SET', 'trace-one-in', '0', 'slowlog-log-slower-than', '-1');
    const entries = await leader.ask('SLOWLOG', 'GET', '-1');
    const ids = entries.map((entry) => entry[3]).filter((words) => words[1] === 'TRACE' && words[3] === 'SET').map((words) => words[2]);
    assert.ok(ids.length >= 3 && ids.length <= 5, `one of two writes on either worker, not ${ids.length} of 8`);
    for (const id of ids) {
      assert.match(id, /^[0-9a-f]{16}$/);
      await until(`${id} is in all logs`, async () => cluster.nodes.every((node) => stages(node, id).includes('applied')));
    }
  });

  await t.test('after a slow command the next write is picked, one a second at the most', async () => {
    await leader.ask('CONFIG', 'SET', 'slowlog-log-slower-than', '0', 'trace-after-slow', 'yes');
    await leader.ask('SLOWLOG', 'RESET');
    const picked = async () => (await leader.ask('SLOWLOG', 'GET', '-1')).map((entry) => entry[3])
      .filter((words) => words[1] === 'TRACE' && words[3] === 'SET').map((words) => words[2]);
    const begun = Date.now();
    for (let i = 0; i < 30; i++) assert.strictEqual(await leader.ask('SET', KEY, 7), 'OK');
    const ids = await picked();
    const seconds = Math.ceil((Date.now() - begun) / 1000);
    assert.ok(ids.length >= 1 && ids.length <= 2 * (seconds + 1), `${ids.length} of 30 in ${seconds} s on two workers`);
    await until(`${ids[0]} is in all logs`, async () => cluster.nodes.every((node) => stages(node, ids[0]).includes('applied')));
    await leader.ask('CONFIG', 'SET', 'trace-after-slow', 'no');
    await leader.ask('SET', KEY, 7); // what was due already
    await leader.ask('SLOWLOG', 'RESET');
    for (let i = 0; i < 5; i++) await leader.ask('SET', KEY, 7);
    assert.ok((await picked()).length <= 2);
    await leader.ask('CONFIG', 'SET', 'slowlog-log-slower-than', '-1');
  });

  await t.test('reads, refusals and what is no id', async () => {
    const ask = (...words) => leader.ask('TROTHDB', 'TRACE', ...words);
    assert.strictEqual(await ask('read-1', 'GET', KEY), '7');
    assert.deepStrictEqual(stages(leader, 'read-1'), ['replied']);
    assert.match(String(await followers[0].ask('TROTHDB', 'TRACE', 'moved-1', 'SET', KEY, 'x')), /MOVED/);
    assert.match(lines(followers[0], 'moved-1').join(), /stage=replied .*outcome=answered-at-once/);
    assert.match(String(await ask('wrong-1', 'INCR', KEY, 'x')), /wrong number of arguments/);
    assert.match(String(await ask('list-1', 'LPUSH', KEY, 'x')), /unknown command|WRONGTYPE/);
    assert.match(String(await ask('a b', 'GET', KEY)), /a trace id is 1 to 64/);
    assert.match(String(await ask('x'.repeat(65), 'GET', KEY)), /a trace id is 1 to 64/);
    assert.match(String(await ask('twice', 'TROTHDB', 'TRACE', 'again', 'GET', KEY)), /one trace id/);
    assert.strictEqual(await ask('ping', 'PING'), 'PONG');
  });
});
