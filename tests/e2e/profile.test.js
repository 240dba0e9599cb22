// /debug on the admin port: a CPU profile that pprof can read, of the threads that were busy; a heap profile; one at a time.
'use strict';
const assert = require('node:assert');
const fs = require('node:fs');
const {execFileSync} = require('node:child_process');
const test = require('node:test');
const zlib = require('node:zlib');
const {Connection, program, startCluster, until} = require('./cluster.js');

// ---- protobuf by hand: {field: [numbers and Buffers]}

function decode(bytes) {
  const message = {};
  let at = 0;
  const varint = () => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++];
      assert.ok(byte !== undefined, 'a varint ends');
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < bytes.length) {
    const tag = Number(varint());
    const field = message[tag >> 3] ??= [];
    if ((tag & 7) === 0) {
      field.push(varint());
    } else {
      assert.strictEqual(tag & 7, 2, 'a number or bytes');
      const length = Number(varint());
      assert.ok(at + length <= bytes.length);
      field.push(bytes.subarray(at, at += length));
    }
  }
  return message;
}

function numbersOf(packed) {
  const numbers = [];
  for (let at = 0; at < packed.length;) {
    let value = 0n;
    for (let shift = 0n, byte = 0x80; byte >= 0x80; shift += 7n) value |= BigInt((byte = packed[at++]) & 0x7f) << shift;
    numbers.push(value);
  }
  return numbers;
}

// What pprof reads: sample types, samples as {stack, values, labels}, mappings, the names of the functions in the stacks.
function profileOf(file) {
  assert.strictEqual(file.readUInt16BE(0), 0x1f8b, 'gzip');
  const profile = decode(zlib.gunzipSync(file));
  const strings = profile[6].map(String);
  assert.strictEqual(strings[0], '');
  const kind = (bytes) => { const {1: [type], 2: [unit]} = decode(bytes); return `${strings[type]}/${strings[unit]}`; };
  const mappings = profile[3].map(decode).map(({1: [id], 2: [start], 3: [limit], 4: [offset], 5: [name]}) => ({id, start, limit, offset, name: strings[name]}));
  const locations = new Map((profile[4] || []).map(decode).map(({1: [id], 2: [mapping], 3: [address]}) => [id, {mapping, address}]));
  const samples = (profile[2] || []).map(decode).map((sample) => ({
    stack: numbersOf(sample[1][0]).map((id) => {
      assert.ok(locations.has(id), 'every location is there');
      const {mapping, address} = locations.get(id);
      const {start, limit} = mappings.find(({id: number}) => number === mapping) || {};
      if (mapping) assert.ok(address >= start && address < limit, 'an address lies in its mapping');
      return {address, mapping};
    }),
    values: numbersOf(sample[2][0]).map(Number),
    labels: Object.fromEntries((sample[3] || []).map(decode).map(({1: [key], 2: [text]}) => [strings[key], strings[text]])),
  }));
  const functions = new Set((profile[5] || []).map(decode).map(({2: [name]}) => strings[name]));
  return {functions, dropped: strings[(profile[7] || [0])[0]], kinds: profile[1].map(kind), period: Number(profile[12][0]), duration: Number((profile[10] || [0n])[0]), mappings, samples};
}

// ---- a node that is asked while it works

async function get(node, where) {
  const answer = await fetch(`http://127.0.0.1:${node.adminPort}${where}`);
  return {status: answer.status, type: answer.headers.get('content-type'), body: Buffer.from(await answer.arrayBuffer())};
}

const VALUE = 'x'.repeat(100);
const all = (connection, words, count) => Promise.all(Array.from({length: count}, (_, i) => connection.ask(...words(i))));

async function fill(node) {
  const connection = await Connection.open(node.port);
  await all(connection, (i) => ['SET', `key${i}`, VALUE], 20000);
  connection.close();
}

// Work that costs the node far more than who asks for it: beside others that are busy it still gets its share of a core.
async function busy(node, ending) {
  const connection = await Connection.open(node.port);
  let isDone = false;
  ending.finally(() => { isDone = true; });
  while (!isDone) {
    await all(connection, (i) => ['SET', `key${i}`, VALUE], 100);
    await all(connection, () => ['KEYS', 'no*such*key'], 20);
  }
  connection.close();
}

// What the process has used of processors, in its own code: a busy machine gives it little.
function cpuNanoseconds(node) {
  const fields = fs.readFileSync(`/proc/${node.process.pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 1e7;
}

// The functions of the program that are in the stacks.
const namesOf = (stacks, mapping) => {
  const addresses = [...new Set(stacks.flat().filter((place) => place.mapping === mapping.id).map(({address}) => address))];
  const offsets = addresses.map((address) => `0x${(address - mapping.base).toString(16)}`);
  return execFileSync('addr2line', ['-f', '-s', '-e', program, ...offsets.slice(0, 1000)], {maxBuffer: 64 << 20}).toString();
};

// What samples a thread is a timer of its own.
const hasTimers = (node) => fs.readFileSync(`/proc/${node.process.pid}/timers`, 'utf8') !== '';

test('a profile costs nothing before and after', {skip: !fs.existsSync('/proc/self/timers') && 'the kernel does not tell of timers'}, async (t) => {
  const {nodes: [node]} = await startCluster(t, {nodes: 1, shards: 1});
  const handles = () => BigInt(`0x${/SigCgt:\s+(\w+)/.exec(fs.readFileSync(`/proc/${node.process.pid}/status`, 'utf8'))[1]}`) & 1n << 26n; // SIGPROF
  assert.deepStrictEqual([hasTimers(node), handles()], [false, 0n]);
  const profiling = get(node, '/debug/profile?seconds=2');
  await until('it samples', async () => hasTimers(node) && handles() !== 0n);
  assert.strictEqual((await profiling).status, 200);
  assert.deepStrictEqual([hasTimers(node), handles()], [false, 0n]);
});

test('a profile of a busy node has its stacks, by thread; a second one at the same time is refused', async (t) => {
  const {nodes: [node]} = await startCluster(t, {nodes: 1, shards: 1});
  await fill(node);
  const profiling = get(node, '/debug/profile?seconds=4');
  await new Promise((resolve) => setTimeout(resolve, 300));
  const second = await get(node, '/debug/profile?seconds=1');
  assert.strictEqual(second.status, 409);
  assert.match(String(second.body), /^a profile is being made already; ask again when it is done\n$/);
  const before = cpuNanoseconds(node);
  await busy(node, profiling);
  const answer = await profiling;
  assert.strictEqual(answer.status, 200);
  assert.strictEqual(answer.type, 'application/octet-stream');
  const {functions, kinds, period, duration, mappings, samples} = profileOf(answer.body);
  assert.deepStrictEqual(kinds, ['samples/count', 'cpu/nanoseconds']);
  assert.strictEqual(period, 1e7);
  assert.ok(duration >= 3.9e9 && duration < 60e9, `${duration}`);
  assert.ok(mappings[0].name.endsWith('/trothdb'), mappings[0].name);
  const seen = samples.reduce((sum, {values: [count]}) => sum + count, 0);
  const spent = cpuNanoseconds(node) - before;
  assert.ok(seen > 0 && seen * period > spent / 4, `${seen} samples of ${period} ns, and ${spent} ns were spent`);
  for (const {values: [count, time]} of samples) assert.strictEqual(time, count * period);
  const worker = samples.filter(({labels}) => labels.thread === 'worker-0');
  assert.ok(worker.length > 0, 'the worker was seen');
  assert.ok(worker.some(({stack}) => stack.length >= 4), 'whole stacks');
  const [{id, start, offset}] = mappings;
  const names = namesOf(worker.map(({stack}) => stack), {id, base: start - offset});
  // The optimizer gives its copies of a function a suffix.
  assert.match(names, /^(clients_input|clients_process|worker_turn_end|on_turn_end|thread_run)(\.[\w.]+)?$/m);
  const named = ['clients_input', 'clients_process', 'worker_turn_end', 'on_turn_end', 'thread_run'];
  assert.ok(named.some((name) => functions.has(name)), 'who has the file needs no program to know the names');

  assert.strictEqual((await get(node, '/debug/profile?seconds=0')).status, 400);
  assert.strictEqual((await get(node, '/debug/profile?seconds=1e9')).status, 400);
  assert.strictEqual((await get(node, '/debug/profile?second=1')).status, 400);
  const again = await get(node, '/debug/profile?seconds=1');
  assert.strictEqual(again.status, 200);
  profileOf(again.body);
  await node.stop();
});

test('a client that goes away, and a node that stops, end a profile', async (t) => {
  const {nodes: [node]} = await startCluster(t, {nodes: 1, shards: 1});
  const leaving = new AbortController();
  const first = fetch(`http://127.0.0.1:${node.adminPort}/debug/profile?seconds=200`, {signal: leaving.signal}).catch(() => 'gone');
  await new Promise((resolve) => setTimeout(resolve, 300));
  leaving.abort();
  assert.strictEqual(await first, 'gone');
  await until('its profile has ended', async () => (await get(node, '/debug/profile?seconds=1')).status === 200);
  fetch(`http://127.0.0.1:${node.adminPort}/debug/profile?seconds=200`).catch(() => {});
  await new Promise((resolve) => setTimeout(resolve, 300));
  await node.stop();
});

test('memory: statistics and a heap profile, by jemalloc', async (t) => {
  const {nodes: [node]} = await startCluster(t, {nodes: 1, shards: 1});
  const memory = await get(node, '/debug/memory');
  const heap = await get(node, '/debug/heap');
  assert.strictEqual(heap.status, 501);
  assert.match(String(memory.body), /Begin jemalloc statistics[^]*opt\.prof: false/, 'nobody asked, and no allocation is sampled');
  assert.match(String(heap.body), /start the node with MALLOC_CONF=prof:true/);
  await node.stop();
  node.environment = {MALLOC_CONF: 'prof:true,prof_accum:true,lg_prof_sample:12'};
  await node.startWhole();
  const replies = [];
  const connection = await Connection.open(node.port);
  for (let i = 0; i < 2000; i++) replies.push(connection.ask('SET', `key${i}`, 'x'.repeat(1000)));
  await Promise.all(replies);
  connection.close();
  const profiled = await get(node, '/debug/heap');
  assert.strictEqual(profiled.status, 200, String(profiled.body));
  const {functions, dropped, kinds, samples} = profileOf(profiled.body);
  assert.deepStrictEqual(kinds, ['alloc_objects/count', 'alloc_space/bytes', 'inuse_objects/count', 'inuse_space/bytes']);
  const bytes = samples.reduce((sum, {values: [, , , space]}) => sum + space, 0);
  assert.ok(bytes > 2e6, `${bytes} bytes`);
  for (const {values: [, ever, , now]} of samples) assert.ok(ever >= now, `${ever} and ${now} bytes`);
  assert.ok(functions.has('memory_allocate') && new RegExp(`^(${dropped})$`).test('memory_allocate'), 'shown are those who asked for memory');
  assert.ok(samples.some(({stack}) => stack.length >= 4));
});
