// A snapshot on its way to a node that was away for long: no faster than it may be, and not from the beginning again when
// that node is killed in the middle.
'use strict';
const assert = require('node:assert');
const {randomBytes} = require('node:crypto');
const test = require('node:test');
const {Connection, startCluster, until} = require('./cluster.js');

const VALUES = 640, VALUE_BYTES = 64 * 1024; // 40 MB, of which compression leaves three quarters
const RATE_MB = 8;

async function metric(node, name) {
  const {text} = await node.get('/metrics');
  return Number((new RegExp(`^${name} (\\S+)$`, 'm').exec(text) || [0, 0])[1]);
}
const sentBytes = (node) => metric(node, 'trothdb_snapshot_sent_bytes_total');

// What TROTHDB STATUS tells of the replica: its applied index, and that of its newest snapshot.
async function replicaOf(node) {
  const [, , , , applied, , , snapshot] = (await node.ask('TROTHDB', 'STATUS'))[7].find(([shard]) => shard === 1);
  return {applied, snapshot};
}

test('a receiver that is killed at half is sent at most a tenth again, and nobody is sent more than the rate allows', async (t) => {
  const cluster = await startCluster(t, {shards: 1, isCalm: true, flags: ['--snapshot-log-bytes', '10gb', '--snapshot-transfer-bytes-per-second',
    `${RATE_MB}mb`]});
  const leader = await cluster.leaderOf(0);
  const away = cluster.nodes.find((node) => node !== leader);
  await away.kill();
  const client = await Connection.open(leader.port);
  t.after(() => client.close());
  for (let i = 0; i < VALUES; i++) {
    assert.strictEqual(await client.ask('SET', `key:${i}`, randomBytes(VALUE_BYTES * 3 / 4).toString('base64')), 'OK');
  }
  assert.strictEqual(await leader.ask('TROTHDB', 'SNAPSHOT', 1), 1);
  await until('the snapshot stands in for the log', async () => (await replicaOf(leader)).snapshot > VALUES);
  assert.strictEqual(await sentBytes(leader), 0);

  await away.start();
  const [, announced] = await until('the transfer begins', async () => /snapshot transfer begun.* bytes=(\d+)/.exec(leader.log));
  const wholeBytes = Number(announced), began = Date.now();
  assert.ok(wholeBytes > VALUES * VALUE_BYTES / 2, `${wholeBytes} bytes of ${VALUES * VALUE_BYTES}`);
  await until('half of it is sent', async () => await sentBytes(leader) >= wholeBytes / 2);
  const tookSeconds = (Date.now() - began) / 1000, halfBytes = await sentBytes(leader);
  await away.kill();
  assert.ok(halfBytes < wholeBytes * 0.9, `${halfBytes} of ${wholeBytes} bytes were sent when it was killed: that is not half`);
  assert.ok(tookSeconds > 0.7 * wholeBytes / 2 / (RATE_MB << 20), `half of ${wholeBytes} bytes took ${tookSeconds} s`);

  await away.start();
  await until('it has caught up', async () => (await replicaOf(away)).applied >= (await replicaOf(leader)).applied);
  assert.match(away.log, /snapshot installed/);
  const all = await sentBytes(leader);
  assert.ok(all <= wholeBytes * 1.1, `${all} bytes were sent of a snapshot of ${wholeBytes}`);
  // It holds all of it: it is asked itself.
  const reader = await Connection.open(away.port);
  t.after(() => reader.close());
  assert.strictEqual(await reader.ask('READONLY'), 'OK');
  for (let i = 0; i < VALUES; i += 37) assert.strictEqual(await reader.ask('STRLEN', `key:${i}`), VALUE_BYTES);
});
