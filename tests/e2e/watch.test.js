// Who is there, and then each change: no change falls between the two, neither by the command line nor by what the guide
// tells people to write.
'use strict';
const assert = require('node:assert');
const {spawn} = require('node:child_process');
const {once} = require('node:events');
const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');
const test = require('node:test');
const vm = require('node:vm');
const {makeAgent, program, run, sleep, startNodes, until, within} = require('./cluster.js');

const guide = fs.readFileSync(path.join(__dirname, '../../docs/guide/agent.md'), 'utf8');
const bulk = (text) => `$${text.length}\r\n${text}\r\n`;
const map = (pairs) => `%${pairs.length}\r\n${pairs.flat().map(bulk).join('')}`;
const push = (event, name) => `>5\r\n${['gossip', event, name, '0'.repeat(32), '127.0.0.1:1'].map(bulk).join('')}`;

// Knows a member that joins as soon as somebody watches, and dies as soon as somebody has asked who is there.
async function startStoryteller(t) {
  const server = net.createServer((socket) => {
    let isWatched = false;
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      for (const [, words] of chunk.toString().matchAll(/\*\d+\r\n((?:\$\d+\r\n[^\r]*\r\n)+)/g)) {
        const command = words.split('\r\n').filter((word) => !word.startsWith('$')).join(' ').trim();
        if (command.startsWith('HELLO')) socket.write(map([['proto', '3']]));
        if (command === 'GOSSIP WATCH') {
          isWatched = true;
          socket.write(`+OK\r\n${push('joined', 'a1')}`);
        }
        if (command === 'GOSSIP MEMBERS') socket.write(`*1\r\n${map([['name', 'a1'], ['state', 'alive']])}${isWatched ? push('dead', 'a1') : ''}`);
      }
    });
  });
  t.after(() => server.close());
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `127.0.0.1:${server.address().port}`;
}

// What the command has written so far, and its process.
function follow(t, ...words) {
  const child = spawn(program, words, {stdio: ['ignore', 'pipe', 'pipe']});
  t.after(() => child.kill('SIGKILL'));
  const told = {child, text: ''};
  child.stdout.on('data', (chunk) => { told.text += chunk; });
  return told;
}

test('members --watch: no change falls between who is there and what changes', async (t) => {
  const told = follow(t, 'members', '--watch', '--json', '--at', await startStoryteller(t));
  await until('the death is told', async () => told.text.includes('"dead"'), 10000);
  const [members, ...changes] = told.text.trim().split('\n').map((line) => JSON.parse(line));
  assert.deepStrictEqual(members.map(({name, state}) => [name, state]), [['a1', 'alive']], 'who is there comes first');
  assert.deepStrictEqual(changes.map(({event, name}) => [event, name]), [['joined', 'a1'], ['dead', 'a1']]);
});

test('members --watch tells people who is there, and then each change in a line', async (t) => {
  const cluster = await startNodes(t, {nodes: 0});
  const first = await makeAgent(cluster, 'a1'), second = await makeAgent(cluster, 'a2', first, '--tag', 'role=web');
  await first.start();
  const told = follow(t, 'members', '--watch', '--at', first.address);
  await until('the table', async () => /^a1 .* self/m.test(told.text));
  await second.start();
  const time = String.raw`^\d\d:\d\d:\d\d\.\d{3}  `;
  await until('its coming and its tag', async () => new RegExp(`${time}joined +a2 \\([0-9a-f]{8}\\) at 127\\.0\\.0\\.1:${second.peerPort}$`, 'm').test(told.text) &&
    new RegExp(`${time}key +a2 \\([0-9a-f]{8}\\) says role = web$`, 'm').test(told.text));
  await second.stop();
  await until('its leaving', async () => new RegExp(`${time}left +a2 `, 'm').test(told.text));
});

test('members --watch ends with whoever reads it, though nothing changes', async (t) => {
  const cluster = await startNodes(t, {nodes: 0});
  const agent = await makeAgent(cluster, 'a1');
  await agent.start();
  for (const words of ['members --watch --json', 'gossip watch']) {
    const line = words.startsWith('members') ? 'head -n 1' : 'true';
    const {code, stdout, stderr} = await run('sh', ['-c', `"$0" ${words} --at ${agent.address} | ${line}`, program], {timeout: 10000});
    assert.deepStrictEqual([code, stderr], [0, ''], words);
    if (words.startsWith('members')) assert.strictEqual(JSON.parse(stdout)[0].name, 'a1');
  }
});

// Its machine may have lost its power, or it may stand still: silence would pass for a cluster in which nothing happens.
test('a watcher says when whom it asks does not answer any more, and goes on as long as it does', async (t) => {
  const cluster = await startNodes(t, {nodes: 0});
  const agent = await makeAgent(cluster, 'a1');
  await agent.start();
  const told = follow(t, 'members', '--watch', '--at', agent.address);
  let problem = '';
  told.child.stderr.on('data', (chunk) => { problem += chunk; });
  const ended = once(told.child, 'close');
  await until('the table', async () => /^a1 .* self/m.test(told.text));
  await sleep(11500); // two silences
  assert.strictEqual(told.child.exitCode, null, problem);
  agent.pause();
  assert.deepStrictEqual(await within(ended, 30000, 'the end of the watch'), [1, null]);
  agent.resume();
  assert.match(problem, new RegExp(`^trothdb members: cannot read from ${agent.address}: no answer in time\\n$`));
});

// The program that the guide shows, at another port.
const discovery = (port) => /^( {4}const Redis = [\s\S]*?\n {4}main\(\);)$/m.exec(guide)[1].replaceAll('7001', String(port));

test('service discovery as in the guide sees who comes and goes', async (t) => {
  const cluster = await startNodes(t, {nodes: 0});
  const asked = await makeAgent(cluster, 'asked');
  const web = await makeAgent(cluster, 'web', asked, '--tag', 'role=web', '--tag', 'port=8080');
  await asked.start();
  const child = spawn(process.execPath, ['-e', discovery(asked.port)], {cwd: __dirname, stdio: ['ignore', 'pipe', 'inherit']});
  t.after(() => child.kill('SIGKILL'));
  let lines = '';
  child.stdout.on('data', (chunk) => { lines += chunk; });
  const sees = (what) => until(`it sees ${what}`, async () => lines.trim().endsWith(what));
  await sees('[]');
  await web.start();
  await sees("[ '127.0.0.1:8080' ]");
  await web.stop();
  await sees('[]');
  await web.start();
  await sees("[ '127.0.0.1:8080' ]");
  await asked.kill();
  await web.stop(); // nobody is there to tell of it
  await asked.start();
  await sees('[]');
});

// Answers when it is told to, and says in which order it was asked.
async function rehearse() {
  const calls = [], printed = [];
  class Redis {
    constructor() { this.handlers = {}; Redis.made.push(this); }
    on(event, handler) { this.handlers[event] = handler; }
    subscribe() { calls.push('subscribe'); return new Promise((resolve) => { Redis.subscribed = resolve; }); }
    call() { return new Promise((resolve) => { calls.push('members'); Redis.answers.push(resolve); }); }
  }
  Object.assign(Redis, {made: [], answers: []});
  vm.runInNewContext(discovery(1), {require: () => Redis, console: {log: (services) => printed.push(services.join())}});
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  const handler = (event) => Redis.made.map(({handlers}) => handlers[event]).find(Boolean);
  return {calls, printed, turn, handler, subscribed: () => Redis.subscribed(), answers: Redis.answers};
}
const member = (name, port) => ['name', name, 'address', '127.0.0.1:1', 'tags', ['port', port]];

test('service discovery as in the guide misses nothing while it begins, and forgets who is gone', async () => {
  const {calls, printed, turn, handler, subscribed, answers} = await rehearse();
  handler('ready')();
  await turn();
  assert.deepStrictEqual(calls, ['subscribe'], 'what changes before it listens is in the answer');
  subscribed();
  await turn();
  assert.deepStrictEqual(calls, ['subscribe', 'members']);
  handler('message')(); // b dies while the first question is under way
  answers[0]([member('a', '1'), member('b', '2')]);
  answers[1]([member('a', '1')]);
  await turn();
  assert.strictEqual(printed.at(-1), '127.0.0.1:1', 'the last answer counts');
});
