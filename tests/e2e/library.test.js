// libtroth-gossip as others have it: installed into an empty place, its worked example built against it by pkg-config and
// make alone, and run beside a node of TrothDB.
'use strict';
const assert = require('node:assert');
const {spawn} = require('node:child_process');
const {once} = require('node:events');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const test = require('node:test');
const {Node, program, run, startNodes, until} = require('./cluster.js');

const build = path.dirname(program);
const example = path.join(__dirname, '..', '..', 'examples', 'discover');

// Installs the library, and builds the example: its file, and the folder that it needs at run time.
async function buildExample(directory) {
  const ninja = await run('ninja', ['-C', build, 'libtroth-gossip'], {timeout: 120000});
  assert.strictEqual(ninja.code, 0, ninja.stdout + ninja.stderr);
  const destination = path.join(directory, 'root');
  const installed = await run('meson', ['install', '-C', build, '--no-rebuild', '--tags', 'devel,runtime', '--destdir', destination],
    {timeout: 60000});
  assert.strictEqual(installed.code, 0, installed.stdout + installed.stderr);
  const files = fs.readdirSync(destination, {recursive: true}).map(String);
  for (const file of ['share/doc/trothdb/LICENSE', 'share/trothdb/prometheus/data.rules.yml', 'share/trothdb/grafana/gossip.json'])
    assert.ok(files.some((one) => one.endsWith(file)), `${file} is installed`);
  const pc = files.find((file) => file.endsWith('troth-gossip.pc'));
  assert.ok(pc, 'a file for pkg-config is installed');
  const searched = (await run('pkg-config', ['--variable', 'pc_path', 'pkg-config'])).stdout.trim().split(':');
  assert.ok(searched.includes(path.dirname(`/${pc}`)), `pkg-config looks for /${pc} by itself, in ${searched}`);
  for (const file of fs.readdirSync(example)) fs.copyFileSync(path.join(example, file), path.join(directory, file));
  const packages = path.dirname(path.join(destination, pc));
  const made = await run('make', ['-C', directory, `PKG_CONFIG_PATH=${packages}`],
    {timeout: 60000, env: {...process.env, PKG_CONFIG_SYSROOT_DIR: destination}});
  assert.strictEqual(made.code, 0, made.stdout + made.stderr);
  return {file: path.join(directory, 'discover'), libraries: path.dirname(packages), destination, packages};
}

class Discover {
  constructor(t, {file, libraries}, ...words) {
    this.output = '';
    this.process = spawn(file, words, {env: {...process.env, LD_LIBRARY_PATH: libraries}});
    this.exited = once(this.process, 'close'); // and all that it said is here
    for (const stream of [this.process.stdout, this.process.stderr]) stream.on('data', (data) => { this.output += data; });
    this.process.stdin.on('error', () => {});
    t.after(async () => {
      if (this.process.exitCode === null && this.process.signalCode === null) this.process.kill('SIGKILL');
      await this.exited;
    });
  }
  sees(text) {
    return until(`${this.process.spawnargs[1]} prints "${text}", beside:\n${this.output}`,
      async () => this.output.includes(text));
  }
}

test('the example builds against the installed library, and its members and a node see each other live and die', async (t) => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'trothdb-library-'));
  t.after(() => fs.rmSync(directory, {recursive: true}));
  const built = await buildExample(directory);
  const key = path.join(directory, 'key');
  fs.writeFileSync(key, `${'5c'.repeat(32)}\n`);
  const {nodes: [node]} = await startNodes(t, {flags: ['--cluster-key-file', key]});
  const [one, two] = [await Node.make(directory, 'one'), await Node.make(directory, 'two')]; // free ports
  const at = (place) => `127.0.0.1:${place.peerPort}`;
  const agent = await Node.make(directory, 'agent');
  t.after(() => agent.kill());
  agent.flags = ['agent', '--name', 'an-agent', '--port', agent.port, '--peer-port', agent.peerPort, '--admin-port',
    agent.adminPort, '--join', at(node), '--tag', 'role=web', '--cluster-key-file', key];
  await agent.start();
  const first = new Discover(t, built, 'first', at(one), at(agent), key);
  await first.sees(`${node.address} is alive`);
  await first.sees('an-agent says role = web');
  await first.sees(`${node.address} says client = ${node.address}`);
  const second = new Discover(t, built, 'second', at(two), at(one), key);
  await first.sees('second is alive');
  await second.sees(`${node.address} says client = ${node.address}`);
  second.process.stdin.write('ready\n');
  await first.sees('second says status = ready');
  const listed = async () => JSON.parse((await run(program, ['members', '--at', node.address, '--json'])).stdout).map(({name, kind}) => `${name} ${kind}`).sort();
  await until('it is seen who is what', async () =>
    `${await listed()}` === `${['an-agent agent', 'first program', 'second program', `${node.address} node`].sort()}`);
  assert.match((await run(program, ['members', '--at', node.address])).stdout, /^first +\w{8} +program +- +127/m);
  // The killed are found out; who says goodbye is known to have left.
  second.process.kill('SIGKILL');
  await first.sees('second is dead');
  first.process.stdin.end();
  assert.deepStrictEqual(await first.exited, [0, null]);
  assert.match(first.output, /^first +left +127\.0\.0\.1:/m);
  assert.match(first.output, /^second +dead +127\.0\.0\.1:/m);
  await until('the node knows that it left', async () => /^trothdb_members\{state="left"\} 1$/m.test((await node.get('/metrics')).text));
});

test('it can be linked in as well', async (t) => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'trothdb-library-'));
  t.after(() => fs.rmSync(directory, {recursive: true}));
  const {destination, packages, libraries} = await buildExample(directory);
  const file = path.join(directory, 'linked');
  const flags = `$(pkg-config --cflags --static --libs troth-gossip | sed 's/-ltroth-gossip/-l:libtroth-gossip.a/')`;
  const made = await run('sh', ['-c', `PKG_CONFIG_PATH=${packages} PKG_CONFIG_SYSROOT_DIR=${destination}; ` +
    `export PKG_CONFIG_PATH PKG_CONFIG_SYSROOT_DIR; cc -o ${file} ${path.join(directory, 'discover.c')} ${flags}`]);
  assert.strictEqual(made.code, 0, made.stderr);
  fs.rmSync(libraries, {recursive: true});
  assert.match((await run(file, [])).stderr, /usage: discover/);
});

const CPP = `
#include <cstdio>
#include <troth-gossip.h>
int main(int, char **argv) {
    char problem[TROTH_GOSSIP_PROBLEM_BYTES];
    troth_gossip_udp_options options = {};
    troth_gossip_udp *udp = nullptr;
    options.name = "cpp";
    options.bind = argv[1];
    if (troth_gossip_udp_open(&options, &udp, problem, sizeof problem) != 0)
        return std::fprintf(stderr, "%s\\n", problem), 1;
    troth_gossip_udp_set(udp, "role", "web", 3);
    troth_gossip_udp_run(udp, 0);
    troth_gossip_member self;
    if (troth_gossip_member_at(troth_gossip_udp_gossip(udp), 0, &self))
        std::printf("%s is %s\\n", self.name, troth_gossip_state_text(self.state));
    troth_gossip_udp_close(udp);
}
`;

test('a program in C++ is a member as well, with the shared library and with the static one', async (t) => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'trothdb-library-'));
  t.after(() => fs.rmSync(directory, {recursive: true}));
  const {destination, packages, libraries} = await buildExample(directory);
  const source = path.join(directory, 'member.cc'), file = path.join(directory, 'member');
  fs.writeFileSync(source, CPP);
  for (const flags of ['--cflags --libs troth-gossip', `--cflags --static --libs troth-gossip | sed 's/-ltroth-gossip/-l:libtroth-gossip.a/'`]) {
    const made = await run('sh', ['-c', `clang++ -std=c++11 -Wall -Wextra -pedantic -Werror -o ${file} ${source} $(pkg-config ${flags})`],
      {env: {...process.env, PKG_CONFIG_PATH: packages, PKG_CONFIG_SYSROOT_DIR: destination}});
    assert.deepStrictEqual([made.code, made.stderr], [0, ''], flags);
    const place = await Node.make(directory, 'member');
    const {code, stdout, stderr} = await run(file, [`127.0.0.1:${place.peerPort}`], {env: {...process.env, LD_LIBRARY_PATH: libraries}});
    assert.deepStrictEqual([code, stdout, stderr], [0, 'cpp is joining\n', '']);
  }
});

test('without the key it neither joins nor learns anything', async (t) => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'trothdb-library-'));
  t.after(() => fs.rmSync(directory, {recursive: true}));
  const built = await buildExample(directory);
  const key = path.join(directory, 'key');
  fs.writeFileSync(key, `${'5c'.repeat(32)}\n`);
  const {nodes: [node]} = await startNodes(t, {flags: ['--cluster-key-file', key]});
  const outside = await Node.make(directory, 'outside');
  const stranger = new Discover(t, built, 'stranger', `127.0.0.1:${outside.peerPort}`, `127.0.0.1:${node.peerPort}`);
  await until('the node refuses what the stranger sends',
    async () => /^trothdb_gossip_refused_total\{cause="seal"\} [1-9]/m.test((await node.get('/metrics')).text), 30000);
  stranger.process.stdin.end();
  assert.deepStrictEqual(await stranger.exited, [0, null]);
  assert.doesNotMatch(stranger.output, new RegExp(node.address));
  assert.doesNotMatch((await node.get('/metrics')).text, /^trothdb_members\{state="\w+"\} [2-9]/m);
});
