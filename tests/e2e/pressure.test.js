// A majority stands still and a client floods: the node reads no further from that client, its memory stays bounded,
// nothing is dropped, and when the majority goes on everything is answered, in order.
'use strict';
const assert = require('node:assert');
const fs = require('node:fs');
const test = require('node:test');
const {Connection, sleep, startCluster, startNodes} = require('./cluster.js');

const VALUE_BYTES = 64 * 1024, VALUES = 1500; // near 100 MB
const LIMIT_BYTES = 4 * 1024 * 1024;

function residentBytes(node) {
  const [, kilobytes] = /VmRSS:\s+(\d+) kB/.exec(fs.readFileSync(`/proc/${node.process.pid}/status`, 'utf8'));
  return Number(kilobytes) * 1024;
}

test('a flood against a majority that stands still', async (t) => {
  // The leader does not give up while the others are stopped, nor does it give up on what it was asked.
  const cluster = await startCluster(t, {shards: 1, isCalm: true, flags: ['--uncommitted-bytes', LIMIT_BYTES, '--write-timeout-ms', 60000]});
  for (const node of cluster.nodes) await node.ask('CONFIG', 'SET', 'election-timeout-ms', 30000);
  const leader = await cluster.leaderOf(0);
  const others = cluster.nodes.filter((node) => node !== leader);
  others.forEach((node) => node.pause());
  const before = residentBytes(leader);
  const flood = await Connection.open(leader.port);
  t.after(() => flood.close());
  const value = 'x'.repeat(VALUE_BYTES);
  const answers = [];
  for (let i = 0; i < VALUES; i++) answers.push(flood.ask('SET', `k${i % 50}`, value));
  await sleep(2000);
  assert.ok(flood.socket.writableLength > VALUES * VALUE_BYTES / 2, `${flood.socket.writableLength} bytes wait at the client`);
  const grown = residentBytes(leader) - before;
  assert.ok(grown < 12 * LIMIT_BYTES, `the node grew by ${grown} bytes`);
  // Others are served all the same: the node answers what needs no majority.
  assert.strictEqual(await leader.ask('PING'), 'PONG');
  others.forEach((node) => node.resume());
  for (const answer of answers) assert.strictEqual(await answer, 'OK');
  assert.strictEqual(await leader.ask('STRLEN', 'k49'), VALUE_BYTES);
});

// An idle connection holds no memory for the longest command that it sent, nor for the longest reply that it read.
test('a long command and a long reply leave no memory behind', async (t) => {
  const {nodes: [node]} = await startNodes(t, {nodes: 1});
  const connection = await Connection.open(node.port);
  t.after(() => connection.close());
  const value = 'x'.repeat(16 * 1024 * 1024);
  assert.strictEqual(await connection.ask('SET', 'long', value), 'OK');
  assert.strictEqual(await connection.ask('GET', 'long'), value);
  const [, held] = / tot-mem=(\d+) /.exec(String(await connection.ask('CLIENT', 'LIST')));
  assert.ok(Number(held) < 4 * 1024 * 1024, `${held} bytes are held`);
});
