// Real `trothdb server` processes on loopback, in a throw-away directory, for one test: started here, and ended here by
// their process ids whatever the test comes to.
//
//   const cluster = await startCluster(t, {nodes: 3, shards: 6});
//   await cluster.nodes[0].kill(); await cluster.nodes[0].start();
'use strict';
const assert = require('node:assert');
const {execFile, spawn} = require('node:child_process');
const {once} = require('node:events');
const fs = require('node:fs');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');
const {freePort} = require('./ports.js');

const program = path.resolve(process.env.TROTHDB || path.join(__dirname, '..', '..', 'build', 'trothdb'));
// For builds with TSan: what its author may not see into (tsan.supp says why).
const ENVIRONMENT = {...process.env,
  TSAN_OPTIONS: `${process.env.TSAN_OPTIONS || ''} suppressions='${path.join(__dirname, 'tsan.supp')}'`};
// What a sanitizer, or a CHECK that failed, leaves in a log.
const CONFESSION = /^.*(?:WARNING: ThreadSanitizer|ERROR: \w+Sanitizer|runtime error:|check failed:).*$/m;
// How a process ends that has a fault, whoever starts it again afterwards.
const CRASHES = new Set(['SIGABRT', 'SIGBUS', 'SIGFPE', 'SIGILL', 'SIGSEGV', 'SIGSYS', 'SIGTRAP']);
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// Runs a program to its end: {code, stdout, stderr}. Fails only if it cannot be run, or takes too long.
function run(file, args, {timeout = 60000, input = '', env = process.env} = {}) {
  return new Promise((resolve, reject) => {
    const child = execFile(file, args.map(String), {timeout, env, maxBuffer: 64 << 20}, (error, stdout, stderr) => {
      if (error && typeof error.code !== 'number') reject(new Error(`${file} ${args.join(' ')}: ${error.message}\n${stderr}`));
      else resolve({code: error ? error.code : 0, stdout, stderr});
    });
    child.stdin.on('error', () => {}); // it may end without reading
    child.stdin.end(input);
  });
}

// A test that hangs says where, instead of hanging.
const within = (promise, ms, what) => {
  let timer;
  const late = new Promise((_, reject) => { timer = setTimeout(() => reject(new Error(`${what}: nothing for ${ms} ms`)), ms); });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
};

// What `ask` gives as soon as that is something; an error is "not yet", too, so what must never be is to be asserted outside.
// The limit is for a machine on which everything is slow: no promise of how long it takes.
async function until(what, ask, timeout = 60000) {
  const limit = Date.now() + timeout;
  for (let problem = ''; ;) {
    const answer = await within(ask(), timeout, what).catch((error) => { problem = `; the last time: ${error.message}`; });
    if (answer) return answer;
    assert.ok(Date.now() < limit, `waited ${timeout} ms for: ${what}${problem}`);
    await sleep(50);
  }
}

// ---- a client of one connection that follows no redirection: for bytes, and for asking one certain node

function parse(data, at) {
  const end = data.indexOf('\r\n', at);
  if (end < 0) return null;
  const kind = data[at], head = data.slice(at + 1, end);
  if (kind === '+') return {value: head, next: end + 2};
  if (kind === '-') return {value: new Error(head), next: end + 2};
  if (kind === ':') return {value: Number(head), next: end + 2};
  if (kind === '$') {
    const length = Number(head);
    if (length < 0) return {value: null, next: end + 2};
    if (data.length < end + 2 + length + 2) return null;
    return {value: data.slice(end + 2, end + 2 + length), next: end + 2 + length + 2};
  }
  assert.strictEqual(kind, '*', `a reply of RESP2, not ${JSON.stringify(data.slice(at, at + 80))}`);
  const elements = [];
  let next = end + 2;
  for (let i = 0; i < Number(head); i++) {
    const element = parse(data, next);
    if (!element) return null;
    elements.push(element.value);
    next = element.next;
  }
  return {value: elements, next};
}

class Connection {
  static async open(port) {
    const connection = new Connection();
    connection.socket = net.connect(port, '127.0.0.1');
    connection.received = '';
    connection.waiting = [];
    connection.isClosed = false;
    connection.closed = new Promise((resolve) => connection.socket.once('close', () => {
      connection.isClosed = true;
      connection.waiting.splice(0).forEach(({reject}) => reject(new Error('closed')));
      resolve();
    }));
    connection.socket.on('error', () => {}); // 'close' follows
    await new Promise((resolve, reject) => connection.socket.once('connect', resolve).once('error', reject));
    connection.socket.on('data', (chunk) => connection.take(chunk));
    return connection;
  }
  take(chunk) {
    this.received += chunk.toString('latin1');
    for (let reply; this.waiting.length && (reply = parse(this.received, 0));) {
      this.received = this.received.slice(reply.next);
      this.waiting.shift().resolve(reply.value);
    }
  }
  write(text) { this.socket.write(Buffer.from(text, 'latin1')); }
  // The reply; an error reply is a value, not thrown. Rejects when the connection ends.
  reply() {
    return new Promise((resolve, reject) => {
      if (this.isClosed) reject(new Error('closed'));
      else this.waiting.push({resolve, reject});
      this.take('');
    });
  }
  ask(...words) {
    const bytes = words.map((word) => Buffer.from(String(word)).toString('latin1'));
    this.write(`*${bytes.length}\r\n${bytes.map((word) => `$${word.length}\r\n${word}\r\n`).join('')}`);
    return this.reply();
  }
  close() { this.socket.destroy(); }
}

// ---- one node

class Node {
  constructor(directory, name) {
    this.directory = path.join(directory, name);
    this.logFile = path.join(directory, `${name}.log`);
    this.process = null;
    this.environment = {}; // beside our own, at the next start
    this.launcher = []; // a program and its arguments, by which it is started then, as the same process
  }
  static async make(directory, name) {
    const node = new Node(directory, name);
    [node.port, node.peerPort, node.adminPort] = [await freePort(), await freePort(), await freePort()];
    node.flags = ['server', '--dir', node.directory, '--port', node.port, '--peer-port', node.peerPort, '--admin-port',
      node.adminPort];
    return node;
  }
  get address() { return `127.0.0.1:${this.port}`; }
  get log() { return fs.readFileSync(this.logFile, 'utf8'); }
  get logTail() { return fs.existsSync(this.logFile) ? this.log.split('\n').slice(-15).join('\n') : ''; }
  spawn() {
    assert.ok(fs.existsSync(program), `no program at ${program}: build it, or name another with TROTHDB=`);
    const log = fs.openSync(this.logFile, 'a');
    const [file, ...words] = [...this.launcher, program, ...this.flags.map(String)];
    this.process = spawn(file, words, {stdio: ['ignore', 'ignore', log], env: {...ENVIRONMENT, ...this.environment}});
    fs.closeSync(log);
    this.exited = once(this.process, 'exit').then(([code, signal]) => {
      this.process = null;
      if (CRASHES.has(signal)) this.crash = signal;
      return {code, signal};
    });
  }
  async start() {
    this.spawn();
    await until(`${this.directory} answers`, async () => {
      if (!this.process) return true;
      const answer = await this.ask('PING');
      return answer === 'PONG' || String(answer).includes('NOAUTH');
    });
    assert.ok(this.process, `the node ended at its start:\n${this.logTail}`);
  }
  // Started, and every slot has a leader.
  async startWhole() {
    await this.start();
    await this.whole();
  }
  whole() {
    return until(`${this.address} sees a leader for every slot`,
      async () => (await this.ask('CLUSTER', 'INFO')).includes('cluster_state:ok'));
  }
  // The feature level of the cluster, as this node knows it.
  async level() {
    return Number(/feature_level:(\d+)/.exec(await this.ask('INFO'))[1]);
  }
  // Who leads which slots, by what this node believes: "0-5460 7001,...".
  async leaders() {
    const ranges = await this.ask('CLUSTER', 'SLOTS');
    return ranges.map(([first, last, [, port]]) => `${first}-${last} ${port}`).sort().join();
  }
  // Of a node that cannot start: its exit code.
  async startInVain() {
    this.spawn();
    return (await this.ended()).code;
  }
  // Of a node that ends by itself: {code, signal}.
  ended() {
    return within(this.exited, 60000, `the end of ${this.address}`).catch((error) => assert.fail(`${error.message}\n${this.logTail}`));
  }
  async ask(...words) {
    const connection = await Connection.open(this.port);
    try {
      return await within(connection.ask(...words), 10000, `${this.address} asked ${words.join(' ').slice(0, 80)}`);
    } finally {
      connection.close();
    }
  }
  async stop() {
    const {exited} = this;
    this.process.kill('SIGTERM');
    assert.deepStrictEqual(await exited, {code: 0, signal: null}, `SIGTERM ends a node cleanly:\n${this.logTail}`);
  }
  async kill() {
    if (!this.process) return;
    const {exited} = this;
    this.process.kill('SIGKILL');
    await exited;
  }
  pause() { this.process.kill('SIGSTOP'); }
  resume() { this.process.kill('SIGCONT'); }
  async get(where, headers = {}) {
    const answer = await fetch(`http://127.0.0.1:${this.adminPort}${where}`, {headers});
    return {status: answer.status, type: answer.headers.get('content-type'), text: await answer.text()};
  }
}

// ---- a cluster

class Cluster {
  constructor(directory) {
    this.directory = directory;
    this.nodes = [];
  }
  get addresses() { return this.nodes.map((node) => node.address); }
  get ports() { return this.nodes.map(({port}) => ({host: '127.0.0.1', port})); }
  async whole() {
    for (const node of this.nodes) if (node.process) await node.whole();
  }
  // The nodes that run become a cluster.
  async create({among = this.nodes, shards = 6, replicas = 3} = {}) {
    const {code, stdout, stderr} = await run(program, ['cluster', 'create', ...among.map((node) => node.address), '--shards', shards,
      '--replicas', replicas]);
    assert.strictEqual(code, 0, `cluster create:\n${stdout}${stderr}`);
  }
  // No leader moves, however busy the machine is, and all nodes know who leads what.
  async calm() {
    for (const node of this.nodes) {
      assert.strictEqual(await node.ask('CONFIG', 'SET', 'election-timeout-ms', 5000, 'leader-move-pause-ms', 3600000), 'OK');
    }
    let before = [];
    await until('all nodes know the same leaders, for a while', async () => {
      const now = await Promise.all(this.nodes.map((node) => node.leaders()));
      const isSame = [...now, ...before].every((leaders) => leaders === now[0] && leaders !== '') && before.length > 0;
      before = now;
      if (!isSame) await sleep(300);
      return isSame;
    });
  }
  // It is calm no more: who is lost is missed as soon as ever.
  async wake() {
    for (const node of this.nodes) await node.ask('TROTHDB', 'UNSET', 'election-timeout-ms', 'leader-move-pause-ms');
  }
  // The node that leads the shard of this slot, by what `asked` believes.
  async leaderOf(slot, asked = this.nodes.find((node) => node.process)) {
    const ranges = await asked.ask('CLUSTER', 'SLOTS');
    const range = ranges.find(([first, last]) => first <= slot && slot <= last);
    return range && this.nodes.find((node) => node.port === range[2][1]);
  }
  async end({passed: hasPassed = true} = {}) {
    await Promise.all(this.nodes.map((node) => node.kill()));
    for (const node of this.nodes) if (!hasPassed) console.log(`the last words of ${node.address}:\n${node.logTail}`);
    const logs = this.nodes.filter((node) => fs.existsSync(node.logFile)).map((node) => [node.address, node.log]);
    fs.rmSync(this.directory, {recursive: true});
    for (const node of this.nodes) assert.ok(!node.crash, `${node.address} ended by ${node.crash}`);
    for (const [address, log] of logs) {
      const found = CONFESSION.exec(log);
      assert.ok(!found, `in the log of ${address}: ${found && log.slice(found.index, found.index + 4000)}`);
    }
  }
}

// Spares that know each other and belong to no cluster yet; or, one node without --join, a cluster of one.
async function startNodes(t, {nodes = 1, workers = 1, flags = []} = {}) {
  const cluster = new Cluster(fs.mkdtempSync(path.join(os.tmpdir(), 'trothdb-e2e-')));
  t.after(() => cluster.end(t));
  for (let i = 1; i <= nodes; i++) cluster.nodes.push(await Node.make(cluster.directory, `node-${i}`));
  const seeds = cluster.nodes.map((node) => `127.0.0.1:${node.peerPort}`).join(',');
  for (const node of cluster.nodes) {
    node.flags.push('--workers', workers, ...flags, ...(nodes > 1 ? ['--join', seeds] : []));
    await node.start();
  }
  return cluster;
}

// An agent that joins `seed`, a node or an agent; not started.
async function makeAgent(cluster, name, seed, ...flags) {
  const agent = await Node.make(cluster.directory, name);
  agent.flags = ['agent', '--name', name, '--port', agent.port, '--peer-port', agent.peerPort, '--admin-port',
    agent.adminPort, ...(seed ? ['--join', `127.0.0.1:${seed.peerPort}`] : []), ...flags];
  cluster.nodes.push(agent);
  return agent;
}

// `isCalm`: where no leader is to move, none does because the machine is busy.
async function startCluster(t, {nodes = 3, shards = 6, replicas = 3, isCalm = false, ...options} = {}) {
  const cluster = await startNodes(t, {nodes, ...options});
  if (nodes > 1) await cluster.create({shards, replicas});
  await cluster.whole();
  if (isCalm) await cluster.calm();
  return cluster;
}

// A client of ioredis ends with its test; one whose nodes have ended before it would look for them for ever, and so would one
// that was just asking for the slots when it was told to end: its process would never end.
function endWithTest(t, client) {
  client.on('error', () => {});
  t.after(() => {
    client.options.clusterRetryStrategy = () => null;
    client.refreshSlotsCache = () => {};
    client.disconnect();
  });
}

module.exports = {Connection, Node, endWithTest, makeAgent, program, run, sleep, startCluster, startNodes, until, within};
