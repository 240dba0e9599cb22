// Durability by name, on real processes: what CONFIG, a connection and a command can ask for, and what survives.
'use strict';
const assert = require('node:assert');
const test = require('node:test');
const {Connection, program, run, startCluster, until} = require('./cluster.js');

// As long as a machine may need that is overloaded: nothing is refused because it took long.
const PATIENT = ['--read-timeout-ms', 60000, '--write-timeout-ms', 60000];
// So long that no machine is so slow that it takes the one thing for the other: an answer from memory and one from disk.
const ASYNC_MS = 6000, FROM_MEMORY_MS = 4000, FROM_DISK_MS = 300;

test('asynchronous writes survive the death of any one node', async (t) => {
  const cluster = await startCluster(t, {shards: 1, isCalm: true, flags: PATIENT});
  for (const node of cluster.nodes) {
    assert.strictEqual(await node.ask('CONFIG', 'SET', 'durability', 'async', 'durability-async-ms', ASYNC_MS), 'OK');
  }
  const leader = await cluster.leaderOf(0);
  assert.match(await leader.ask('INFO', 'persistence'), /durability:async\r\ndurability_risk:a power failure can lose/);
  const [, risk] = /durability_risk:(.*)\r\n/.exec(await leader.ask('INFO', 'persistence'));
  assert.ok((await run(program, ['server', '--help'])).stdout.replace(/\s+/g, ' ').includes(risk), 'the help tells it in the same words');
  const client = await Connection.open(leader.port);
  t.after(() => client.close());
  const began = Date.now();
  for (let i = 0; i < 200; i++) assert.strictEqual(await client.ask('INCR', 'n'), i + 1);
  // Nearly everything is in memory only by now.
  const took = Date.now() - began;
  await cluster.wake();
  await leader.kill();
  const next = await until('another node leads', async () => {
    const asked = cluster.nodes.find((node) => node.process);
    const found = await cluster.leaderOf(0, asked);
    return found && found !== leader && found;
  });
  assert.strictEqual(await until('the next leader answers', async () => {
    const answer = await next.ask('GET', 'n');
    return typeof answer === 'string' && answer;
  }), '200', `written within ${took} ms`);
  await leader.start();
});

test('WAIT and WAITAOF tell how far a write has come', async (t) => {
  const cluster = await startCluster(t, {shards: 1, isCalm: true, flags: PATIENT});
  const leader = await cluster.leaderOf(0);
  const client = await Connection.open(leader.port);
  t.after(() => client.close());
  for (const node of cluster.nodes) await node.ask('CONFIG', 'SET', 'durability-async-ms', ASYNC_MS);
  await client.ask('TROTHDB', 'DURABILITY', 'async');
  await client.ask('SET', 'k', 'v');
  let began = Date.now();
  assert.deepStrictEqual(await client.ask('WAITAOF', 1, 2, 60000), [1, 2]);
  assert.ok(Date.now() - began > FROM_DISK_MS, `all disks: ${Date.now() - began} ms`);
  await client.ask('TROTHDB', 'DURABILITY', 'sync');
  await client.ask('SET', 'k', 'w');
  assert.ok(await client.ask('WAIT', 1, 10000) >= 1, 'a synchronous write is on a majority when it is answered');
  const other = cluster.nodes.find((node) => node !== leader);
  await other.kill();
  await client.ask('SET', 'k', 'x');
  began = Date.now();
  assert.strictEqual(await client.ask('WAIT', 2, 300), 1);
  assert.ok(Date.now() - began >= 290, 'one is down: the time-out decides');
});

test('a synchronous read waits for the disks, an asynchronous one does not', async (t) => {
  const cluster = await startCluster(t, {shards: 1, isCalm: true, flags: PATIENT});
  for (const node of cluster.nodes) await node.ask('CONFIG', 'SET', 'durability-async-ms', ASYNC_MS);
  const leader = await cluster.leaderOf(0);
  const async = await Connection.open(leader.port), sync = await Connection.open(leader.port);
  t.after(() => (async.close(), sync.close()));
  assert.strictEqual(await async.ask('TROTHDB', 'DURABILITY', 'async'), 'OK');
  assert.deepStrictEqual(await async.ask('TROTHDB', 'DURABILITY'), ['async', 'async']);
  let began = Date.now();
  assert.strictEqual(await async.ask('SET', 'k', 'v'), 'OK');
  assert.strictEqual(await async.ask('GET', 'k'), 'v');
  assert.ok(Date.now() - began < FROM_MEMORY_MS, `asynchronous: ${Date.now() - began} ms`);
  began = Date.now();
  assert.strictEqual(await sync.ask('GET', 'k'), 'v');
  assert.ok(Date.now() - began > FROM_DISK_MS, `synchronous: ${Date.now() - began} ms`);
  // A synchronous write takes along what was waiting.
  assert.strictEqual(await async.ask('SET', 'k', 'w'), 'OK');
  began = Date.now();
  assert.strictEqual(await async.ask('TROTHDB', 'WITH', 'sync', 'APPEND', 'k', '!'), 2);
  assert.strictEqual(await sync.ask('GET', 'k'), 'w!');
  assert.ok(Date.now() - began < FROM_MEMORY_MS, `synchronous behind asynchronous: ${Date.now() - began} ms`);
});

// A command's word goes before its connection's, and that before the node's, to less as to more. How a write was answered shows by
// what is counted, and not by a clock.
test('node, connection and command each choose, and who is nearer to the write decides', async (t) => {
  const {nodes: [node]} = await startCluster(t, {nodes: 1, flags: [...PATIENT, '--durability-async-ms', ASYNC_MS]});
  const early = async () => Number(/^trothdb_async_replies_total (\d+)$/m.exec((await node.get('/metrics')).text)[1]);
  const client = await Connection.open(node.port), other = await Connection.open(node.port);
  t.after(() => (client.close(), other.close()));
  const asked = [];
  for (const byNode of ['sync', 'async']) {
    assert.strictEqual(await node.ask('CONFIG', 'SET', 'durability', byNode), 'OK');
    for (const byConnection of ['default', 'sync', 'async']) {
      assert.strictEqual(await client.ask('TROTHDB', 'DURABILITY', byConnection), 'OK');
      const ofConnection = byConnection === 'default' ? byNode : byConnection;
      assert.deepStrictEqual(await client.ask('TROTHDB', 'DURABILITY'), [byConnection, ofConnection]);
      for (const byCommand of ['', 'sync', 'async']) {
        const holds = byCommand || ofConnection, what = `node ${byNode}, connection ${byConnection}, command ${byCommand || 'none'}`;
        assert.strictEqual(await other.ask('TROTHDB', 'WITH', 'sync', 'SET', 'k', 'all is on disk'), 'OK');
        const before = await early();
        assert.strictEqual(await client.ask(...(byCommand ? ['TROTHDB', 'WITH', byCommand] : []), 'SET', 'k', what), 'OK');
        assert.strictEqual(await early() - before, holds === 'async' ? 1 : 0, what);
        asked.push(holds);
      }
    }
  }
  assert.deepStrictEqual(['sync', 'async'].map((one) => asked.filter((holds) => holds === one).length), [9, 9]);
  assert.match(String(await client.ask('TROTHDB', 'DURABILITY', 'perhaps')), /durability is sync, async or default/);
  assert.match(String(await client.ask('TROTHDB', 'WITH', 'default', 'SET', 'k', 'x')), /durability is sync or async/);
  assert.deepStrictEqual(await client.ask('TROTHDB', 'DURABILITY'), ['async', 'async'], 'a wrong word changes nothing');
  assert.deepStrictEqual(await other.ask('TROTHDB', 'DURABILITY'), ['default', 'async'], 'nor does what another connection chose');
  assert.strictEqual(await client.ask('RESET'), 'RESET');
  assert.deepStrictEqual(await client.ask('TROTHDB', 'DURABILITY'), ['default', 'async']);
});

// Nothing else has it written: nobody asks, nothing follows. What a node has written outlives its process.
test('what was answered from memory is on disk when durability-async-ms is over', async (t) => {
  const WITHIN_MS = 1000;
  const cluster = await startCluster(t, {shards: 1, isCalm: true, flags: PATIENT});
  for (const node of cluster.nodes) await node.ask('CONFIG', 'SET', 'durability-async-ms', WITHIN_MS);
  const leader = await cluster.leaderOf(0);
  const client = await Connection.open(leader.port);
  t.after(() => client.close());
  await client.ask('TROTHDB', 'DURABILITY', 'async');
  for (let i = 0; i < 20; i++) assert.strictEqual(await client.ask('SET', `k${i}`, i), 'OK');
  await new Promise((resolve) => setTimeout(resolve, 3 * WITHIN_MS)); // and as long again for disks and processors that are busy
  await Promise.all(cluster.nodes.map((node) => node.kill()));
  await Promise.all(cluster.nodes.map((node) => node.start()));
  await cluster.whole();
  const next = await until('a leader', () => cluster.leaderOf(0));
  for (let i = 0; i < 20; i++) assert.strictEqual(await next.ask('GET', `k${i}`), String(i));
});
