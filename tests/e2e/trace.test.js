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
  // A follower that is served later has nothing to tell of an entry that has not come to it yet.
  const cluster = await startCluster(t, {nodes: 3, shards: 2, workers: 2, isCalm: true,
    flags: ['--enable-debug-command', 'local', '--append-lazy-ms', '0']});
  await until('all nodes can read traces', async () => (await Promise.all(cluster.nodes.map((node) => node.level()))).every((level) => level >= 1));
  const leader = await leaderOf(cluster);
  const followers = cluster.nodes.filter((node) => node !== leader);
  const slow = (us) => Promise.all(followers.map((node) => node.ask('CONFIG', 'SET', 'debug-sync-delay-us', us)));

  await t.test('one traced SET is found in three logs, stage by stage', async () => {
    assert.strictEqual(await leader.ask('TROTHDB', 'TRACE', 'order-4711', 'SET', KEY, 'v'), 'OK');
    // What is committed may be applied before it is durable here.
    await until('all have it, applied and durable', async () => cluster.nodes.every((node) =>
      FOLLOWER.every((stage) => stages(node, 'order-4711').includes(stage))));
    for (const node of followers) assert.deepStrictEqual(stages(node, 'order-4711').sort(), [...FOLLOWER].sort());
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

  await t.test('a slow write is found in three logs, though nobody had asked', async () => {
    await slow(60000);
    await leader.ask('CONFIG', 'SET', 'slowlog-log-slower-than', '50000');
    await leader.ask('SLOWLOG', 'RESET');
    assert.strictEqual(await leader.ask('SET', KEY, 'slow'), 'OK');
    await slow(0);
    const words = (await leader.ask('SLOWLOG', 'GET', '-1')).map((entry) => entry[3]).find((entry) => entry[2] === 'slow');
    assert.deepStrictEqual(words.slice(0, 3), ['SET', KEY, 'slow']);
    const [, id] = /^\.\.\. \(trace ([0-9a-f]{16})\)$/.exec(words[3]);
    await until(`${id} is in all logs`, async () => cluster.nodes.every((node) =>
      FOLLOWER.every((stage) => stages(node, id).includes(stage))));
    for (const node of followers) assert.deepStrictEqual(stages(node, id).sort(), [...FOLLOWER].sort());
    assert.ok(stages(leader, id).includes('replied'));
    assert.ok(stages(leader, id).some((stage) => /^acknowledged-by-\d$/.test(stage)), 'by the follower without whom it had not committed');
    const places = cluster.nodes.flatMap((node) => lines(node, id)).map((line) => /index=\d+/.exec(line)).filter(Boolean);
    assert.strictEqual(new Set(places.map(String)).size, 1, 'all name the same index');
    const slowest = lines(leader, id).find((line) => /stage=acknowledged/.test(line));
    assert.ok(Number(/ us=(\d+)/.exec(slowest)[1]) >= 50000, 'and the time that it took');
    await leader.ask('CONFIG', 'SET', 'slowlog-log-slower-than', '-1');
  });

  // The lines of what a command of the slow log names as its trace, by its words.
  const traceOf = async (...command) => {
    await leader.ask('CONFIG', 'SET', 'slowlog-log-slower-than', '0');
    await leader.ask('SLOWLOG', 'RESET');
    const reply = await leader.ask(...command);
    await leader.ask('CONFIG', 'SET', 'slowlog-log-slower-than', '-1');
    const words = (await leader.ask('SLOWLOG', 'GET', '-1')).map((entry) => entry[3]).find((entry) => entry[0] === command[0]);
    const [, id] = /^\.\.\. \(trace ([0-9a-f]{16})\)$/.exec(words.at(-1)) ?? assert.fail(`no trace: ${words}`);
    await until(`the reply of ${id} is logged`, async () => stages(leader, id).includes('replied'));
    return {reply, id, log: lines(leader, id).join('\n')};
  };

  await t.test('a slow read is found in the log of the replica that ran it', async () => {
    const read = await traceOf('GET', KEY);
    assert.strictEqual(read.reply, 'slow');
    assert.match(read.log, /stage=read node=\d shard=[12] term=\d+ index=\d+ by=lease us=\d+\n.* stage=replied .* outcome=done us=\d+$/);
    await leader.ask('CONFIG', 'SET', 'read-mode', 'quorum');
    const asked = await traceOf('GET', KEY);
    assert.match(asked.log, /stage=asked node=\d shard=[12] us=\d+\n.* stage=read .* by=quorum us=\d+\n.* stage=replied /);
    await leader.ask('CONFIG', 'SET', 'read-mode', 'lease');
  });

  await t.test('of what goes to every shard, the part that came last', async () => {
    assert.match((await traceOf('DBSIZE')).log, /stage=read .* by=lease .*\n.* stage=replied .* outcome=done/);
    const {reply, id} = await traceOf('FLUSHALL');
    assert.strictEqual(reply, 'OK');
    await until(`${id} is in all logs`, async () => cluster.nodes.every((node) => FOLLOWER.every((stage) => stages(node, id).includes(stage))));
  });

  await t.test('a synchronous read behind asynchronous writes has the trace of what it waited for', async () => {
    await leader.ask('CONFIG', 'SET', 'durability-async-ms', '2000');
    assert.strictEqual(await leader.ask('TROTHDB', 'WITH', 'async', 'SET', KEY, 'slow'), 'OK');
    const {reply, id} = await traceOf('GET', KEY);
    assert.strictEqual(reply, 'slow');
    assert.ok(stages(leader, id).some((stage) => stage === 'read' || stage === 'committed'), stages(leader, id).join());
    await leader.ask('CONFIG', 'SET', 'durability-async-ms', '10');
  });

  await t.test('reads, refusals and what is no id', async () => {
    const ask = (...words) => leader.ask('TROTHDB', 'TRACE', ...words);
    assert.strictEqual(await ask('read-1', 'GET', KEY), 'slow');
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
