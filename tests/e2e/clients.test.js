// Clients and tools that others wrote work unmodified.
'use strict';
const assert = require('node:assert');
const test = require('node:test');
const Redis = require('ioredis');
const redis = require('redis');
const {Connection, endWithTest, run, startCluster, until} = require('./cluster.js');

const cli = async (node, args, options) => (await run('redis-cli', ['-p', node.port, ...args], options)).stdout.trim();

test('redis-cli: plain it shows the redirection, with -c it follows', async (t) => {
  const cluster = await startCluster(t, {isCalm: true});
  const [first] = cluster.nodes;
  assert.strictEqual(await cli(first, ['ping']), 'PONG');
  // {a} and {b} and so on reach every shard; exactly one node leads each.
  for (const tag of 'abcdefgh') {
    const answers = await Promise.all(cluster.nodes.map((node) => cli(node, ['set', `{${tag}}plain`, tag])));
    assert.strictEqual(answers.filter((answer) => answer === 'OK').length, 1, answers.join(' | '));
    assert.strictEqual(answers.filter((answer) => /^MOVED \d+ 127\.0\.0\.1:\d+$/.test(answer)).length, 2, answers.join(' | '));
    assert.strictEqual(await cli(first, ['-c', 'get', `{${tag}}plain`]), tag);
  }
  assert.match(await cli(first, ['mget', 'a', 'b']), /^CROSSSLOT/);
});

test('redis-cli --cluster check and info read the cluster', async (t) => {
  const cluster = await startCluster(t, {isCalm: true});
  await cli(cluster.nodes[0], ['-c', 'set', 'key', 'value']);
  const check = await until('all nodes tell the same slots', async () => {
    const result = await run('redis-cli', ['--cluster', 'check', cluster.addresses[0]]);
    return result.code === 0 && result.stdout;
  });
  assert.match(check, /All nodes agree about slots configuration/);
  assert.match(check, /All 16384 slots covered/);
  assert.match(check, /\[OK\] 1 keys in/);
});

test('redis-cli walks over all keys: --scan, --bigkeys, --memkeys, --pipe; --rdb is refused', async (t) => {
  const {nodes: [node]} = await startCluster(t, {nodes: 1});
  const requests = Array.from({length: 500}, (_, i) => `SET key:${i} ${'v'.repeat(i + 1)}\r\n`).join('');
  assert.match(await cli(node, ['--pipe'], {input: requests}), /errors: 0, replies: 500/);
  await cli(node, ['hset', 'hash', 'a', '1', 'b', '2']);
  assert.strictEqual((await cli(node, ['--scan', '--pattern', 'key:4*'])).split('\n').length, 111);
  assert.match(await cli(node, ['--bigkeys']), /Biggest string found '"key:499"' has 500 bytes[^]*1 hashs with 2 fields/);
  assert.match(await cli(node, ['--memkeys']), /Biggest string found '"key:\d+"' has 640 bytes[^]*1 hashs with \d+ bytes/);
  const rdb = await run('redis-cli', ['-p', node.port, '--rdb', '/dev/null']);
  assert.strictEqual(rdb.code, 1, rdb.stdout);
  assert.match(rdb.stderr, /ERR unknown command 'SYNC'/);
});

test('CLUSTER LINKS tells the streams to both peers', async (t) => {
  const {nodes} = await startCluster(t, {nodes: 3, shards: 3});
  const links = await until('streams to both', async () => {
    const told = await nodes[0].ask('CLUSTER', 'LINKS');
    return told.length === 2 && told;
  });
  const peers = await Promise.all(nodes.slice(1).map((node) => node.ask('CLUSTER', 'MYID')));
  assert.deepStrictEqual(links.map((link) => link[3]).sort(), peers.sort());
  assert.ok(links.every((link) => link[1] === 'to' && Math.abs(Date.now() - link[5]) < 60000));
});

test('redis-benchmark --cluster', async (t) => {
  const cluster = await startCluster(t, {isCalm: true});
  const {code, stdout, stderr} = await run('redis-benchmark', ['--cluster', '-p', cluster.nodes[0].port, '-q', '-n', 5000,
    '-c', 20, '-P', 8, '-t', 'set,get,incr,hset,mset', '-r', 1000], {timeout: 60000});
  assert.strictEqual(code, 0, stderr);
  for (const name of ['SET', 'GET', 'INCR', 'HSET']) assert.match(stdout, new RegExp(`${name}: [\\d.]+ requests per second`));
  assert.doesNotMatch(stdout + stderr, /error/i);
});

test('ioredis: cluster client, pipelines, hashes, scans of every node', async (t) => {
  const cluster = await startCluster(t, {isCalm: true});
  const client = new Redis.Cluster(cluster.ports);
  endWithTest(t, client);
  for (let i = 0; i < 100; i++) assert.strictEqual(await client.set(`key:${i}`, i), 'OK');
  for (let i = 0; i < 100; i++) assert.strictEqual(await client.get(`key:${i}`), String(i));
  const pipeline = client.pipeline();
  for (let i = 0; i < 200; i++) pipeline.hset('{user}:1', `field${i}`, i).hget('{user}:1', `field${i}`);
  const replies = await pipeline.exec();
  replies.forEach(([error, value], i) => assert.deepStrictEqual([error, value], [null, i % 2 ? String((i - 1) / 2) : 1]));
  const seen = new Set();
  for (const node of client.nodes('master')) {
    for (let cursor = '0'; ;) {
      const [next, keys] = await node.scan(cursor, 'COUNT', 50);
      keys.forEach((key) => seen.add(key));
      if ((cursor = next) === '0') break;
    }
  }
  assert.strictEqual(seen.size, 101, 'SCAN over all masters finds every key once at least');
});

test('READONLY: followers answer, and what they answer is not stale', async (t) => {
  const cluster = await startCluster(t, {shards: 1, isCalm: true, flags: ['--read-timeout-ms', 60000]});
  const slot = await cluster.nodes[0].ask('CLUSTER', 'KEYSLOT', 'counter');
  const leader = await cluster.leaderOf(slot);
  const followers = cluster.nodes.filter((node) => node !== leader);
  assert.match(String(await followers[0].ask('GET', 'counter')), /MOVED/, 'without READONLY');
  const writer = await Connection.open(leader.port);
  const readers = await Promise.all(followers.map((node) => Connection.open(node.port)));
  for (const reader of readers) assert.strictEqual(await reader.ask('READONLY'), 'OK');
  for (let i = 0; i < 200; i++) {
    assert.strictEqual(await writer.ask('SET', 'counter', i), 'OK');
    assert.deepStrictEqual(await Promise.all(readers.map((reader) => reader.ask('GET', 'counter'))), [String(i), String(i)]);
  }
  assert.match(String(await readers[0].ask('SET', 'counter', 0)), /MOVED/, 'writes are still redirected');
  assert.strictEqual(await readers[0].ask('READWRITE'), 'OK');
  assert.match(String(await readers[0].ask('GET', 'counter')), /MOVED/);
  [writer, ...readers].forEach((connection) => connection.close());
});

test('node-redis: cluster client in RESP2 and RESP3', async (t) => {
  const cluster = await startCluster(t, {isCalm: true});
  for (const RESP of [2, 3]) {
    const client = redis.createCluster({rootNodes: cluster.addresses.map((at) => ({url: `redis://${at}`})), RESP});
    client.on('error', () => {});
    await client.connect();
    for (let i = 0; i < 50; i++) await client.hSet(`hash:${RESP}:${i}`, {number: String(i), square: String(i * i)});
    for (let i = 0; i < 50; i++) {
      assert.deepStrictEqual({...await client.hGetAll(`hash:${RESP}:${i}`)}, {number: String(i), square: String(i * i)});
    }
    assert.strictEqual(await client.incrBy(`number:${RESP}`, 41) + 1, 42);
    await client.close();
  }
});

test('threads: two workers on each node, commands that cross between them, a killed leader', async (t) => {
  const cluster = await startCluster(t, {workers: 2, shards: 8, isCalm: true});
  const client = new Redis.Cluster(cluster.ports, {retryDelayOnFailover: 50, retryDelayOnClusterDown: 50, redisOptions: {maxRetriesPerRequest: 3}});
  endWithTest(t, client);
  const rounds = 20, width = 64;
  for (let round = 0; round < rounds; round++) {
    await Promise.all(Array.from({length: width}, (_, i) => client.hincrby(`{k${i}}`, 'n', 1)));
  }
  for (let i = 0; i < width; i++) assert.strictEqual(await client.hget(`{k${i}}`, 'n'), String(rounds));
  const sizes = await Promise.all(cluster.nodes.map((node) => node.ask('DBSIZE')));
  assert.strictEqual(sizes.reduce((sum, size) => sum + size), width, 'each node counts the shards that it leads, on both workers');

  // One connection whose commands are for shards of both workers: the replies keep the order of the commands.
  const ranges = await cluster.nodes[0].ask('CLUSTER', 'SLOTS');
  const led = ranges.filter((range) => range[2][1] === cluster.nodes[0].port);
  if (led.length) {
    const keys = [];
    for (let i = 0; keys.length < 50; i++) {
      const slot = await cluster.nodes[0].ask('CLUSTER', 'KEYSLOT', `o${i}`);
      if (led.some(([first, last]) => first <= slot && slot <= last)) keys.push(`o${i}`);
    }
    const connection = await Connection.open(cluster.nodes[0].port);
    const replies = keys.flatMap((key, i) => [connection.ask('SET', key, i), connection.ask('PING', i), connection.ask('GET', key)]);
    const wanted = keys.flatMap((_, i) => ['OK', String(i), String(i)]);
    assert.deepStrictEqual(await Promise.all(replies), wanted);
    const listed = await connection.ask('CLIENT', 'LIST');
    assert.ok(listed.split('\n').length > 2, 'CLIENT LIST tells the connections of both workers');
    connection.close();
  }
  assert.strictEqual(await cluster.nodes[0].ask('CONFIG', 'SET', 'election-timeout-ms', '300'), 'OK');
  for (let i = 0; i < 8; i++) { // by chance on either worker
    assert.deepStrictEqual(await cluster.nodes[0].ask('CONFIG', 'GET', 'election-timeout-ms'), ['election-timeout-ms', '300']);
  }
  await cluster.wake();
  await cluster.nodes[0].kill();
  await until('writes go on', async () => (await Promise.all(Array.from({length: width}, (_, i) => client.set(`{k${i}}after`, i)))).every((reply) => reply === 'OK'));
});
