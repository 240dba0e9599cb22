#!/usr/bin/env node
// Sends the same commands to a private redis-server and to TrothDB and compares the bytes of every reply.
//
//   redis-compare.js --pipe build/tests/unit/command/command_pipe     a keyspace alone, over a pipe
//   redis-compare.js --target 127.0.0.1:7001                          a server
//   [--seed N] [--commands N] [--show N]
//
// The commands are the edge cases of HAND_PICKED and then random ones by seed, in RESP2 and in RESP3. What
// may differ between two right answers stands in ALLOWANCES, command by command; all else must be equal.
// Exit: 0 equal, 1 different, 77 no redis-server here.
'use strict';
const { spawn, spawnSync } = require('node:child_process');
const fs = require('node:fs');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');
const { freePort } = require('./ports.js');
const { HAND_PICKED, randomCommands } = require('./redis-compare-commands.js');

const CRLF = Buffer.from('\r\n');

// ---- reading replies: the raw bytes of each, and a tree for those that need an allowance

function parseReply(data, at) {
  const end = data.indexOf(CRLF, at);
  if (end < 0) return null;
  const kind = String.fromCharCode(data[at]);
  const head = data.latin1Slice(at + 1, end);
  let next = end + 2;
  if ('$=!'.includes(kind)) {
    const length = Number(head);
    if (length < 0) return { kind, value: null, next };
    if (data.length < next + length + 2) return null;
    return { kind, value: data.latin1Slice(next, next + length), next: next + length + 2 };
  }
  if (!'*%~>'.includes(kind)) return { kind, value: head, next };
  const count = Number(head) * (kind === '%' ? 2 : 1);
  if (count < 0) return { kind, value: null, next };
  const elements = [];
  for (let i = 0; i < count; i++) {
    const element = parseReply(data, next);
    if (element === null) return null;
    elements.push(element);
    next = element.next;
  }
  return { kind, elements, next };
}

class Peer {
  constructor(readable, writable) {
    this.pending = Buffer.alloc(0);
    this.waiting = null;
    this.writable = writable;
    this.problem = null;
    readable.on('data', (chunk) => {
      this.pending = Buffer.concat([this.pending, chunk]);
      this.wake();
    });
    const ended = () => { this.problem = this.problem || new Error('the connection ended'); this.wake(); };
    readable.on('end', ended);
    readable.on('error', ended);
    writable.on('error', ended);
  }
  wake() { if (this.waiting) { const wake = this.waiting; this.waiting = null; wake(); } }
  async run(commands) {
    this.writable.write(Buffer.concat(commands.map(encodeRequest)));
    const replies = [];
    let at = 0;
    while (replies.length < commands.length) {
      const reply = parseReply(this.pending, at);
      if (reply) {
        replies.push({ reply, raw: this.pending.latin1Slice(at, reply.next) });
        at = reply.next;
        continue;
      }
      this.pending = this.pending.subarray(at);
      at = 0;
      if (this.problem) throw this.problem;
      await new Promise((resolve) => { this.waiting = resolve; });
    }
    this.pending = this.pending.subarray(at);
    return replies;
  }
}

function encodeRequest(command) {
  const parts = [`*${command.length}\r\n`];
  for (const argument of command) parts.push(`$${Buffer.byteLength(argument, 'latin1')}\r\n${argument}\r\n`);
  return Buffer.from(parts.join(''), 'latin1');
}

// ---- what may differ

const text = (reply) => JSON.stringify(reply.elements ? [reply.kind, reply.elements.map(text)] : [reply.kind, reply.value]);
const sorted = (reply) => (reply.elements ? reply.kind + reply.elements.map(text).sort().join() : text(reply));
function pairsSorted(reply) {
  if (!reply.elements) return text(reply);
  const pairs = [];
  for (let i = 0; i + 1 < reply.elements.length; i += 2) pairs.push(text(reply.elements[i]) + text(reply.elements[i + 1]));
  return reply.kind + pairs.sort().join();
}
const shape = (reply) => (reply.elements ? reply.kind + reply.elements.map(shape).join('') : reply.kind + (reply.value === null ? 'null' : ''));
const scanned = (order) => (reply) =>
  (reply.elements ? text(reply.elements[0]) + order(reply.elements[1]) : text(reply));
const near = (tolerance) => (reply, other) =>
  (reply.kind === ':' && other.kind === ':' && Number(reply.value) > 0 && Number(other.value) > 0 &&
   Math.abs(Number(reply.value) - Number(other.value)) <= tolerance() ? 'near' : text(reply));
// A key was given its time in one batch and is asked for it in another: in each, one end may have been so much later.
let longestBatchMs = 0;
const apartMs = () => 2000 + 2 * longestBatchMs;
const apartSeconds = () => Math.ceil(apartMs() / 1000);

// The order of a table is its own; a lot falls as it falls; two clocks are never read at the same instant. Redis
// counts keys that were born past their time until it meets them, and forgets to share a small integer it copies.
const ALLOWANCES = {
  keys: sorted, scan: scanned(sorted), hkeys: sorted, hvals: sorted, hgetall: pairsSorted, hscan: scanned(pairsSorted),
  randomkey: shape, hrandfield: shape,
  'object refcount': shape, dbsize: near(() => 5),
  pttl: near(apartMs), pexpiretime: near(apartMs), ttl: near(apartSeconds), expiretime: near(apartSeconds),
};

function isEqual(command, expected, got) {
  if (expected.raw === got.raw) return true;
  const words = command.map((word) => word.toLowerCase());
  const allowance = ALLOWANCES[words[0]] || ALLOWANCES[`${words[0]} ${words[1]}`];
  return Boolean(allowance) && allowance(expected.reply, got.reply) === allowance(got.reply, expected.reply);
}

// ---- the two ends

async function connect(host, port, deadline) {
  for (;;) {
    const socket = net.connect(port, host);
    socket.setNoDelay(true);
    const connected = await new Promise((resolve) => {
      socket.once('connect', () => resolve(true));
      socket.once('error', () => resolve(false));
    });
    if (connected) return new Peer(socket, socket);
    if (Date.now() > deadline) throw new Error(`no answer at ${host}:${port}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function startRedis(directory) {
  const port = await freePort();
  // TrothDB turns a small hash into a table at the same count as this setting says.
  const process = spawn('redis-server', ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no',
    '--databases', '1', '--dir', directory], { stdio: 'ignore' });
  return { process, port };
}

function readFlags(list) {
  const flags = { seed: '1', commands: '20000', show: '10' };
  for (let i = 0; i + 1 < list.length; i += 2) flags[list[i].replace(/^--/, '')] = list[i + 1];
  if (Boolean(flags.pipe) === Boolean(flags.target)) {
    console.error('usage: redis-compare.js --pipe PROGRAM | --target HOST:PORT [--seed N] [--commands N] [--show N]');
    process.exit(2);
  }
  return flags;
}

const BATCH = 100;

async function compare(redis, other, protocol, commands, show) {
  let different = 0;
  await redis.run([['HELLO', String(protocol)]]);
  await other.run([['HELLO', String(protocol)]]);
  const history = [];
  for (let start = 0; start < commands.length; start += BATCH) {
    const batch = commands.slice(start, start + BATCH);
    const begun = performance.now();
    const [expected, got] = await Promise.all([redis.run(batch), other.run(batch)]);
    longestBatchMs = Math.max(longestBatchMs, performance.now() - begun);
    for (let i = 0; i < batch.length; i++) {
      history.push(batch[i]);
      if (isEqual(batch[i], expected[i], got[i])) continue;
      if (different++ < show) report(protocol, start + i, history, expected[i], got[i]);
    }
  }
  return different;
}

function report(protocol, position, history, expected, got) {
  const cut = (raw) => JSON.stringify(raw.length > 300 ? raw.slice(0, 300) + '...' : raw);
  const command = history[history.length - 1];
  const about = history.filter((earlier) => earlier !== command && earlier[1] === command[1]).slice(-4);
  console.log(`RESP${protocol} command ${position}: ${cut(command.join(' '))}`);
  for (const earlier of about) console.log(`   after  ${cut(earlier.join(' '))}`);
  console.log(`   redis  ${cut(expected.raw)}`);
  console.log(`   other  ${cut(got.raw)}`);
}

async function main() {
  const flags = readFlags(process.argv.slice(2));
  if (spawnSync('redis-server', ['--version']).error) {
    console.log('redis-server is not installed: nothing to compare with');
    process.exit(77);
  }
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'redis-compare-'));
  const server = await startRedis(directory);
  let child = null;
  let different = 0, count = 0;
  try {
    const redis = await connect('127.0.0.1', server.port, Date.now() + 60000);
    let other;
    if (flags.pipe) {
      child = spawn(flags.pipe, [], { stdio: ['pipe', 'pipe', 'inherit'] });
      other = new Peer(child.stdout, child.stdin);
    } else {
      const colon = flags.target.lastIndexOf(':');
      other = await connect(flags.target.slice(0, colon), Number(flags.target.slice(colon + 1)), Date.now() + 60000);
    }
    for (const protocol of [2, 3]) {
      const commands = [['FLUSHALL'], ...HAND_PICKED, ['FLUSHALL'],
        ...randomCommands(Number(flags.seed) * 2 + protocol, Number(flags.commands))];
      count += commands.length;
      different += await compare(redis, other, protocol, commands, Number(flags.show));
    }
  } finally {
    server.process.kill();
    if (child) child.stdin.end();
    await new Promise((resolve) => (server.process.exitCode === null ? server.process.once('exit', resolve) : resolve()));
    fs.rmSync(directory, { recursive: true, force: true });
  }
  console.log(`${count} commands compared, ${different} replies differ (seed ${flags.seed})`);
  process.exit(different ? 1 : 0);
}

main().catch((error) => { console.error(error.stack); process.exit(1); });
