// Real agents, each in a network namespace of its own, on links that are really cut. Needs root; everything made here is
// gone with the processes that hold the namespaces.
//
//     a1, a2 -- bridge "left" ==== middle ==== bridge "right" -- a3, a4, a5
'use strict';
const assert = require('node:assert');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const test = require('node:test');
const {spawn, spawnSync} = require('node:child_process');
const {program, run, sleep, until} = require('./cluster.js');

const PORT = 7001;
const LEFT = [1, 2], RIGHT = [3, 4, 5];
const HEAL_MS = 15000;
const DEATH_MS = 60000;
const ONE_WAY_MS = 8000; // some three times as long as a suspicion lasts that nobody refutes

const canMakeNamespaces = () => process.getuid() === 0 && spawnSync('unshare', ['-n', 'ip', 'link', 'show']).status === 0;

const address = (number) => `10.77.0.${number}`;
const name = (number) => `a${number}`;

// A process that does nothing but be in a new namespace: its pid names it.
async function holdNamespace(t) {
  const holder = spawn('unshare', ['-n', 'sleep', '600'], {stdio: 'ignore'});
  t.after(() => holder.kill('SIGKILL'));
  const own = fs.readlinkSync('/proc/self/ns/net');
  await until('a namespace', async () => fs.readlinkSync(`/proc/${holder.pid}/ns/net`) !== own);
  return holder.pid;
}

function ip(inside, ...words) {
  const {status, stderr} = spawnSync('nsenter', ['-t', String(inside), '-n', 'ip', ...words], {encoding: 'utf8'});
  assert.strictEqual(status, 0, `ip ${words.join(' ')}: ${stderr}`);
}

async function makeNetwork(t) {
  const hub = await holdNamespace(t);
  for (const bridge of ['left', 'right']) {
    ip(hub, 'link', 'add', bridge, 'type', 'bridge');
    ip(hub, 'link', 'set', bridge, 'up');
  }
  ip(hub, 'link', 'add', 'middle', 'type', 'veth', 'peer', 'name', 'middle2');
  ip(hub, 'link', 'set', 'middle', 'master', 'left', 'up');
  ip(hub, 'link', 'set', 'middle2', 'master', 'right', 'up');
  const spaces = {};
  for (const number of [...LEFT, ...RIGHT]) {
    const inside = await holdNamespace(t);
    ip(hub, 'link', 'add', `port${number}`, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', String(inside));
    ip(hub, 'link', 'set', `port${number}`, 'master', LEFT.includes(number) ? 'left' : 'right', 'up');
    ip(inside, 'addr', 'add', `${address(number)}/24`, 'dev', 'eth0');
    ip(inside, 'link', 'set', 'eth0', 'up');
    ip(inside, 'link', 'set', 'lo', 'up');
    spaces[number] = inside;
  }
  return {spaces, cut: (link) => ip(hub, 'link', 'set', link, 'down'), heal: (link) => ip(hub, 'link', 'set', link, 'up'),
    // What `from` sends to `to` goes nowhere; the other way is as it was.
    mute: (from, to) => ip(spaces[from], 'route', 'add', 'blackhole', `${address(to)}/32`),
    unmute: (from, to) => ip(spaces[from], 'route', 'del', 'blackhole', `${address(to)}/32`)};
}

function startAgent(t, inside, number, directory) {
  const agent = spawn('nsenter', ['-t', String(inside), '-n', program, 'agent', '--name', name(number),
    '--dir', path.join(directory, name(number)), '--bind', address(number), '--port', String(PORT),
    '--cluster-key-file', path.join(directory, 'key'), ...(number > 1 ? ['--join', `${address(1)}:${PORT + 10000}`] : [])],
  {stdio: ['ignore', 'ignore', 'pipe']});
  let log = '';
  agent.stderr.on('data', (chunk) => { log = (log + chunk).slice(-4000); });
  t.after(() => agent.kill('SIGKILL'));
  return () => log;
}

async function startAgents(t, spaces) {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'trothdb-netns-'));
  t.after(() => fs.rmSync(directory, {recursive: true, force: true}));
  fs.writeFileSync(path.join(directory, 'key'), '5a'.repeat(32) + '\n', {mode: 0o600});
  return [...LEFT, ...RIGHT].map((number) => startAgent(t, spaces[number], number, directory));
}

async function membersOf(spaces, number) {
  const {code, stdout} = await run('nsenter', ['-t', String(spaces[number]), '-n', program, 'members',
    '--at', `${address(number)}:${PORT}`, '--json']);
  return code === 0 ? JSON.parse(stdout) : [];
}

// How often `number` asked others to reach somebody for it.
async function helpersAsked(spaces, number) {
  const {stdout} = await run('nsenter', ['-t', String(spaces[number]), '-n', program, 'gossip', 'info', '--at', `${address(number)}:${PORT}`]);
  return Number(/^indirect_probes:(\d+)/m.exec(stdout)[1]);
}

// Which members `number` believes to be alive, as "a2 a3".
async function seenBy(spaces, number) {
  const members = await membersOf(spaces, number);
  return members.filter(({state}) => state === 'alive').map((member) => member.name).sort().join(' ');
}

// Each of these sees exactly `expected` alive, itself among them.
const allSee = (spaces, numbers, expected, longest) => {
  const names = expected.map(name).join(' ');
  return until(`${numbers.map(name)} see ${names}`, async () =>
    (await Promise.all(numbers.map((number) => seenBy(spaces, number)))).every((seen) => seen === names), longest);
};

// The network is back at `healedAt`. However slow this machine is in asking, the agents know since when they see each other alive:
// the last of it within 15 s.
async function allHeal(spaces, numbers, healedAt) {
  await allSee(spaces, numbers, numbers, DEATH_MS);
  for (const number of numbers) {
    const members = await membersOf(spaces, number), now = Date.now();
    for (const member of members)
      assert.ok(now - member.state_ms - healedAt < HEAL_MS,
        `${name(number)} saw ${member.name} again only ${now - member.state_ms - healedAt} ms after the network was back`);
  }
}

test('links between real agents are cut and healed', async (t) => {
  if (!canMakeNamespaces()) return t.skip('needs root, and network namespaces (iproute2, util-linux)');
  const {spaces, cut, heal, mute, unmute} = await makeNetwork(t);
  const logs = await startAgents(t, spaces);
  const all = [...LEFT, ...RIGHT];
  await allSee(spaces, all, all, DEATH_MS).catch((error) => assert.fail(`${error.message}\n${logs.map((log) => log()).join('\n')}`));

  await t.test('one no longer reaches another one, which reaches it: others help, and nobody is buried', async () => {
    const before = await helpersAsked(spaces, 1);
    mute(5, 1);
    for (const end = Date.now() + ONE_WAY_MS; Date.now() < end; await sleep(100)) {
      const dead = (await Promise.all(all.map((number) => membersOf(spaces, number)))).flat().filter(({state}) => state === 'dead');
      assert.deepStrictEqual(dead.map((member) => member.name), []);
    }
    assert.ok(await helpersAsked(spaces, 1) > before, 'the way was cut');
    unmute(5, 1);
    await allSee(spaces, all, all, DEATH_MS);
  });

  await t.test('one is cut off: the others bury it, it buries them, and all come back together', async () => {
    cut('port5');
    await allSee(spaces, [1, 2, 3, 4], [1, 2, 3, 4], DEATH_MS);
    await allSee(spaces, [5], [5], DEATH_MS);
    heal('port5');
    await allHeal(spaces, all, Date.now());
  });

  await t.test('the network splits: each side goes on alone, and both heal by themselves', async () => {
    cut('middle');
    await allSee(spaces, LEFT, LEFT, DEATH_MS);
    await allSee(spaces, RIGHT, RIGHT, DEATH_MS);
    heal('middle');
    await allHeal(spaces, all, Date.now());
  });
});
