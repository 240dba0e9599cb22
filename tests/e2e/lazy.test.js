// A follower that no majority waits for is served later (append-lazy-ms): it has less to do, and takes over when the other one is gone.
'use strict';
const assert = require('node:assert');
const test = require('node:test');
const {Connection, startCluster, until} = require('./cluster.js');

const WRITES = 200;

// The sum of a metric's rows.
async function metric(node, name) {
  const {text} = await node.get('/metrics');
  return text.split('\n').filter((line) => line.startsWith(name)).reduce((sum, line) => sum + Number(line.split(' ').pop()), 0);
}
const rounds = (node) => metric(node, 'trothdb_wal_round_seconds_count');
const hedges = (node) => metric(node, 'trothdb_append_hedges_total');
const haveAll = (leading) => until('the followers have all', async () => await metric(leading, 'trothdb_replication_lag_entries') === 0);

// One after the other, each answered before the next.
async function write(leading, count) {
  const connection = await Connection.open(leading.port);
  const first = await connection.ask('INCR', 'count');
  for (let i = 1; i < count; i++) assert.strictEqual(await connection.ask('INCR', 'count'), first + i);
  connection.close();
}

test('one follower is served later, a hedge replaces the one that stopped, and 0 ends it', async (t) => {
  const cluster = await startCluster(t, {shards: 1, isCalm: true, flags: ['--append-lazy-ms', '40', '--heartbeat-ms', '60']});
  const leading = await cluster.leaderOf(0);
  const followers = cluster.nodes.filter((node) => node !== leading);
  await write(leading, WRITES);
  await haveAll(leading);

  // Where a busy machine has the two change places, each has many rounds: looked at again.
  await until('one of them gets many entries at a time', async () => {
    const before = await Promise.all(followers.map(rounds));
    await write(leading, WRITES);
    await haveAll(leading);
    const after = await Promise.all(followers.map(rounds));
    return Math.min(...after.map((count, at) => count - before[at])) < WRITES / 2;
  });

  const stopEachInTurn = async () => {
    for (const follower of followers) {
      follower.pause();
      await write(leading, 5);
      follower.resume();
      await haveAll(leading);
    }
  };
  const hedgesBefore = await hedges(leading);
  await until('a follower that stops, and was the quick one, is made up for by the other', async () => {
    await stopEachInTurn();
    return await hedges(leading) > hedgesBefore;
  });

  assert.strictEqual(await leading.ask('CONFIG', 'SET', 'append-lazy-ms', '0'), 'OK');
  await write(leading, 5);
  await haveAll(leading);
  const hedgesAtEnd = await hedges(leading);
  await stopEachInTurn();
  assert.strictEqual(await hedges(leading), hedgesAtEnd, 'nobody is served later, so nothing is hedged');
});
