// The demo keeps its promises: nothing lost, nothing left behind, nothing touched that it did not make.
'use strict';
const assert = require('node:assert');
const {spawn} = require('node:child_process');
const {once} = require('node:events');
const fs = require('node:fs');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');
const test = require('node:test');
const {Connection, program, run, sleep, until} = require('./cluster.js');
const {freeBase, isFree} = require('./ports.js');

const NODES = 3;

function temporary(t) {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'trothdb-e2e-'));
  t.after(() => fs.rmSync(directory, {recursive: true, force: true}));
  return directory;
}

test('a leader is killed in the middle of the load and no row is lost', async (t) => {
  const directory = path.join(temporary(t), 'demo');
  const base = await freeBase();
  const {code, stdout, stderr} = await run(program, ['demo', '--rows', 5000, '--port', base, '--dir', directory], {timeout: 120000,
    env: {...process.env, TROTHDB_PASSWORD: 'of other nodes'}});
  assert.strictEqual(code, 0, stdout + stderr);
  const rows = Number(/^ +([\d,]+) packages/m.exec(stdout)[1].replace(/,/g, '')); // fewer where only dpkg's list is there
  assert.match(stdout, /SIGKILL to node [123] \(process \d+\), which leads \d+ shards/);
  assert.match(stdout, /node [123] +\d+ ms/);
  assert.match(stdout, new RegExp(`${rows.toLocaleString('en')} rows acknowledged: 0 lost, 0 differ`));
  assert.match(stdout, /after .*: 0 entries behind/);
  assert.match(stdout, new RegExp(`redis-cli -c -p ${base}`));
  assert.ok(!fs.existsSync(directory), 'the directory is removed');
  for (let i = 0; i < NODES; i++) assert.ok(await isFree(base + i), 'the nodes have ended');
});

// As on a machine so busy that leaders are lost for a moment. What lists the packages waits for a word, so that this is the moment.
test('shards that have no leader when the rows are to be sent are waited for', async (t) => {
  const directory = temporary(t), base = await freeBase(), go = path.join(directory, 'go');
  fs.writeFileSync(path.join(directory, 'apt-cache'), `#!/bin/sh
while [ ! -e '${go}' ]; do sleep 0.1; done
for i in $(seq 2000); do printf 'Package: p%d\\nVersion: 1\\n\\n' $i; done
`, {mode: 0o755});
  const demo = spawn(program, ['demo', '--port', base, '--dir', path.join(directory, 'demo')],
    {stdio: ['ignore', 'pipe', 'pipe'], env: {...process.env, PATH: `${directory}:${process.env.PATH}`}});
  let told = '';
  for (const stream of [demo.stdout, demo.stderr]) stream.on('data', (data) => { told += data; });
  const ended = once(demo, 'exit');
  await until('the packages are listed', async () => /^3\. Real rows/m.test(told));
  const others = [...told.matchAll(/^ +[23] +(\d+) +127\.0\.0\.1/gm)].map(([, pid]) => Number(pid));
  assert.strictEqual(others.length, 2, told);
  const signal = (name) => others.forEach((pid) => process.kill(pid, name));
  signal('SIGSTOP');
  t.after(async () => {
    demo.kill('SIGKILL');
    await ended;
  });
  const first = await Connection.open(base);
  t.after(() => first.close());
  await until('the first node knows of no leader', async () => (await first.ask('CLUSTER', 'SLOTS')).length === 0);
  fs.writeFileSync(go, '');
  await until('it has the packages', async () => /2,000 packages/.test(told));
  await sleep(500);
  signal('SIGCONT');
  const [code] = await ended;
  assert.strictEqual(code, 0, told);
  assert.match(told, /2,000 rows acknowledged: 0 lost, 0 differ/);
});

test('the nodes end with the demo, however it ends', async (t) => {
  for (const signal of ['SIGTERM', 'SIGKILL', 'SIGPIPE']) {
    const directory = path.join(temporary(t), 'demo');
    const base = await freeBase();
    const demo = spawn(program, ['demo', '--port', base, '--dir', directory], {stdio: ['ignore', 'pipe', 'pipe']});
    t.after(() => demo.kill('SIGKILL'));
    let told = '';
    for (const stream of [demo.stdout, demo.stderr]) stream.on('data', (data) => { told += data; });
    const ended = once(demo, 'exit');
    await until('the load begins', async () => /packages, /.test(told));
    if (signal === 'SIGPIPE') demo.stdout.destroy(); // as `trothdb demo | head` does
    else demo.kill(signal);
    const [code] = await ended;
    if (signal !== 'SIGKILL') {
      assert.strictEqual(code, 1);
      await until('it said why', async () => /trothdb demo: stopped by (Terminated|Broken pipe)/.test(told));
      assert.doesNotMatch(told, /could not be written/, 'what is clear is not said twice');
      assert.ok(!fs.existsSync(directory), 'the directory is removed');
    }
    for (let i = 0; i < NODES; i++) await until('the nodes have ended', () => isFree(base + i));
  }
});

test('a port in use or a directory with something in it is refused, and left alone', async (t) => {
  const directory = temporary(t);
  const base = await freeBase();
  fs.writeFileSync(path.join(directory, 'mine'), 'mine');
  const full = await run(program, ['demo', '--port', base, '--dir', directory]);
  assert.strictEqual(full.code, 1);
  assert.match(full.stderr, /must be an empty directory/);
  assert.deepStrictEqual(fs.readdirSync(directory), ['mine']);
  const server = net.createServer().listen(base + 1, '127.0.0.1');
  await once(server, 'listening');
  const busy = await run(program, ['demo', '--port', base, '--dir', path.join(directory, 'new')]);
  const byMake = await run(program, ['demo', '--port', base, '--dir', path.join(directory, 'new')],
    {env: {...process.env, TROTHDB_UNDER_MAKE: 'demo'}});
  server.close();
  assert.strictEqual(busy.code, 1);
  assert.match(busy.stderr, new RegExp(`port ${base + 1} is in use by another program; choose others with --port`));
  assert.ok(!fs.existsSync(path.join(directory, 'new')));
  assert.match(byMake.stderr, /in use by another program; choose others, such as `make demo PORT=\d+`/);
});
