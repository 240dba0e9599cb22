// The README and the guide as a reader follows them: what they tell to type is typed, in their order and on a machine of its own (a network
// namespace, which takes root), and what they show is compared with what comes. Ids, times and figures differ; nothing else does.
'use strict';
const assert = require('node:assert');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const test = require('node:test');
const {once} = require('node:events');
const {isDeepStrictEqual} = require('node:util');
const {spawn, spawnSync} = require('node:child_process');
const {program, run, sleep, until} = require('./cluster.js');

const root = path.join(__dirname, '../..');
const skip = process.getuid() === 0 && spawnSync('unshare', ['-n', 'ip', 'link', 'show']).status === 0 ? false : 'a network of its own takes root';

// ---- what a page says

const page = (name) => fs.readFileSync(path.join(root, name), 'utf8');
const section = (name, heading) => {
  const found = page(name).split(/^## /m).find((part) => part.startsWith(heading));
  assert.ok(found, `${name} has a section ${heading}`);
  return found;
};
const COMMAND = /^(?:[A-Z_]+=\S+ )*(?:build\/)?(?:trothdb|redis-cli|mkdir|grep|\(umask) ?/;

// Its blocks of code, and of each what is typed and what is shown below it: nothing, where the next thing to type stands there.
function blocksOf(text) {
  const blocks = text.replace(/^```\w*\n([\s\S]*?)^```/gm, (_, code) => code.replace(/^/gm, '    ')).match(/(?:^ {4}.*\n(?:\n(?= {4}))*)+/gm) || [];
  return blocks.map((block) => {
    const steps = [];
    const isTranscript = /^ {4}\$ /m.test(block);
    for (const line of block.replace(/\\\n\s*/g, '').split('\n').map((each) => each.replace(/^ {4}/, ''))) {
      if (isTranscript ? line.startsWith('$ ') : COMMAND.test(line)) steps.push({command: line.replace(/^\$ /, '').replace(/ +# .*$/, ''), shown: ''});
      else if (steps.length) steps.at(-1).shown += `${line}\n`;
    }
    return steps;
  }).filter((steps) => steps.length > 0);
}
const stepsOf = (text) => blocksOf(text).flat();

// A line without what differs each time, and without what columns are wide.
const shapeOf = (line) => line.replace(/\d{4}-\d\d-\d\d[T ][\d:.]+(?:Z| UTC)/g, '#').replace(/time=\S+/, 'time=#').replace(/-demo-\w+/, '-demo-#')
  .replace(/\b(?=[a-f]*\d)[0-9a-f]{8,40}\b/g, '#').replace(/\d[\d,.]*/g, '#').replace(/# (?:us|ms|s|min|h)\b(?: # s\b)?/g, '# T').replace(/\s+/g, ' ').trim();
const wordsOf = (line) => line.replace(/\s+/g, ' ').trim();
const linesOf = (text, form) => text.split('\n').map(form).filter((line) => line !== '');

// ---- a machine

class Machine {
  // With 10.0.0.1 to 10.0.0.4 as addresses; its directories are below one that is thrown away.
  static async start(t) {
    const machine = new Machine();
    machine.directory = fs.mkdtempSync(path.join(os.tmpdir(), 'trothdb-guide-'));
    machine.nodes = [];
    machine.holder = spawn('unshare', ['-n', 'sh', '-c', 'ip link set lo up; for i in 1 2 3 4; do ip address add 10.0.0.$i/32 dev lo; done; echo; exec sleep 600'],
      {stdio: ['ignore', 'pipe', 'inherit']});
    t.after(() => machine.end());
    await once(machine.holder.stdout, 'data');
    for (const made of ['home', 'var/lib', 'tmp', 'mnt/backups', 'etc', 'data']) fs.mkdirSync(path.join(machine.directory, made), {recursive: true});
    fs.symlinkSync(path.dirname(program), path.join(machine.directory, 'home/build'));
    return machine;
  }
  async end() {
    await Promise.all(this.nodes.map((node) => this.kill(node)));
    this.holder.kill('SIGKILL');
    fs.rmSync(this.directory, {recursive: true});
  }
  words(command) {
    const there = command.replace(/(?<=^|[\s=(])\/(?=(?:var|tmp|mnt|etc|data)\/)/g, `${this.directory}/`);
    return ['-t', String(this.holder.pid), '-n', 'bash', '-c', `cd ${this.directory}/home && ${there}`];
  }
  get options() { return {env: {...process.env, PATH: `${path.dirname(program)}:${process.env.PATH}`, TMPDIR: path.join(this.directory, 'tmp')}}; }

  // What a node or an agent says is in node-1.log and so on, in the order in which they were started.
  async startNode(command) {
    const log = path.join(this.directory, 'home', `node-${this.nodes.length + 1}.log`), file = fs.openSync(log, 'w');
    const words = this.words(command.replace(/ &$/, '').replace(/(?=(?:build\/)?trothdb )/, 'exec '));
    const node = spawn('nsenter', words, {...this.options, stdio: ['ignore', file, file]});
    fs.closeSync(file);
    node.ended = once(node, 'exit');
    this.nodes.push(node);
    await until(`${command} serves`, async () => {
      assert.strictEqual(node.exitCode, null, fs.readFileSync(log, 'utf8'));
      return fs.readFileSync(log, 'utf8').includes('msg=serving');
    });
  }
  async kill(node, signal = 'SIGKILL') {
    node.kill(signal);
    await node.ended;
  }
  async stopNodes() {
    for (const node of this.nodes) await this.kill(node, 'SIGTERM');
  }
  async type(command) {
    if (/^(?:build\/)?trothdb (?:server|agent) /.test(command)) return this.startNode(command);
    const {code, stdout, stderr} = await run('nsenter', this.words(command), {...this.options, timeout: 120000});
    assert.strictEqual(code, 0, `${command}\n${stdout}${stderr}`);
    assert.doesNotMatch(stdout, /^(?:ERR|MOVED|CLUSTERDOWN|UNKNOWN|NOAUTH)\b/, command);
    return stdout.replaceAll(this.directory, '');
  }
  // Looks again while it is not yet as shown: what members know of each other takes them a moment. `isPart`: more may be said.
  async expect(command, shown, {form = shapeOf, isPart = false, isOnce = false} = {}) {
    const wanted = linesOf(shown, form).filter((line) => line !== '...');
    for (const limit = Date.now() + 10000; ; await sleep(200)) {
      const found = linesOf(await this.type(command), form);
      const compared = isPart ? wanted.filter((line) => found.includes(line)) : found;
      if (isDeepStrictEqual(compared, wanted)) return;
      if (isOnce || Date.now() > limit) assert.deepStrictEqual(compared, wanted, `${command}\n${found.join('\n')}`);
    }
  }
  async follow(steps, options) {
    assert.ok(steps.length > 0, 'there is something to type');
    for (const {command, shown} of steps) {
      if (shown.trim()) await this.expect(command, shown, options);
      else await this.type(command);
    }
  }
}

const guide = (name, title, follow) => test(`docs/guide/${name}.md: ${title}`, {skip}, async (t) => {
  await follow(await Machine.start(t), (heading) => section(`docs/guide/${name}.md`, heading), t);
});
const three = stepsOf(section('docs/guide/start.md', 'Three nodes'));

// Three nodes at 10.0.0.1:7001 to 10.0.0.3:7003 that share a key, as the pages on operating have them.
async function makeThree(machine, ...flags) {
  await machine.type('mkdir -p /etc/trothdb && (umask 077; od -An -tx1 -N32 /dev/urandom | tr -d " \\n" > /etc/trothdb/key)');
  const join = [1, 2, 3].map((i) => `10.0.0.${i}:1700${i}`).join(',');
  for (const i of [1, 2, 3]) {
    await machine.type(`trothdb server --dir /data/${i} --bind 10.0.0.${i} --port 700${i} --cluster-key-file /etc/trothdb/key --join ${join}`);
  }
  await machine.type(`trothdb cluster create ${[1, 2, 3].map((i) => `10.0.0.${i}:700${i}`).join(' ')} ${flags.join(' ')}`);
}

// ---- the pages

test('README.md: the demo says every line that is shown', {skip}, async (t) => {
  const machine = await Machine.start(t);
  const [[{shown}]] = blocksOf(section('README.md', 'What it looks like'));
  await machine.expect('trothdb demo --rows 5000', shown, {isPart: true, isOnce: true});
});

guide('start', 'one node, three, and across machines', async (machine, text) => {
  await machine.follow(stepsOf(text('One node')));
  await machine.stopNodes();
  await machine.follow(three);
  await machine.stopNodes();
  const across = text('Across machines');
  await machine.follow(stepsOf(across).map(({command, shown}) => ({command: command.replace('/var/lib/trothdb ', '/var/lib/other '), shown})));
  assert.match(await machine.type(/`(TROTHDB_PASSWORD=[^`]+)`/.exec(across)[1]), /10\.0\.0\.1:7001/);
});

test('docs/guide/agent.md: two agents, and who is there', {skip}, async (t) => {
  const machine = await Machine.start(t);
  await machine.follow(blocksOf(page('docs/guide/agent.md'))[0]);
});

guide('settings', 'of all nodes, of one, and back', async (machine, text) => {
  await machine.follow(three);
  await machine.follow(blocksOf(text('Where a value comes from'))[0], {form: wordsOf});
});

guide('durability', 'chosen while the nodes run', async (machine, text) => {
  await machine.follow(three);
  await machine.follow(blocksOf(text('How to choose'))[0]);
  const said = [...text('How to choose').matchAll(/^ {4}((?:TROTHDB|WAIT|WAITAOF) .*?)(?: +-> (.*))?$/gm)];
  assert.ok(said.length >= 7, 'there is something to say');
  for (const [, command] of said) await machine.type(`redis-cli -c -p 7001 ${command}`);
});

test('docs/guide/trace.md: a command on its way through all replicas', {skip}, async (t) => {
  const machine = await Machine.start(t);
  await machine.follow(three.map(({command, shown}) => ({command: command.replace('cluster create', 'cluster create --shards 1'), shown})));
  await machine.type('trothdb cluster leader 1 127.0.0.1:7002 --at 127.0.0.1:7001');
  const [[asked], [looked]] = blocksOf(page('docs/guide/trace.md'));
  await machine.follow([asked]);
  await machine.follow([looked], {isPart: true});
});

guide('backup', 'made, looked at, restored, and started', async (machine, text) => {
  await machine.type('trothdb server --dir /var/lib/trothdb --shards 2');
  const [settings, looks] = blocksOf(text('Making them'));
  await machine.follow(settings.filter(({command}) => !command.includes('s3://')));
  const write = (value) => machine.type(`for i in $(seq 1 20); do redis-cli -p 7001 set key:$i ${value}; done`);
  await until('the first snapshots, before anything is written', async () => /^ +2 +\d/m.test(await machine.type('trothdb backup list --to /mnt/backups/trothdb')));
  await write('first');
  await machine.type(looks[0].command);
  const moment = new Date().toISOString();
  await write('second');
  await machine.follow(looks);
  const [restoring, starting] = blocksOf(text('Restoring'));
  await machine.follow(restoring.map(({command, shown}) => ({command: command.replace(/--to \S+/, `--to ${moment}`), shown})));
  await machine.stopNodes();
  await machine.follow(starting);
  assert.strictEqual(await machine.type('redis-cli -p 7001 get key:7'), 'first\n');
});

test('docs/guide/check.md: a stopped node', {skip}, async (t) => {
  const machine = await Machine.start(t);
  await machine.type('trothdb server --dir /var/lib/trothdb --snapshot-log-entries 100');
  await machine.type('for i in $(seq 1 130); do redis-cli -p 7001 set key:$i value; done');
  const worker = path.join(machine.directory, 'var/lib/trothdb/worker-0');
  await until('a snapshot', async () => fs.readdirSync(worker).some((name) => /^snapshot-.*\d$/.test(name)));
  await machine.stopNodes();
  await machine.follow(blocksOf(page('docs/guide/check.md'))[0]);
});

guide('operate', 'one node more, other replicas, another leader', async (machine, text) => {
  await machine.follow(three);
  await machine.follow(stepsOf(text('Look')));
  await machine.stopNodes();
  await makeThree(machine);
  await machine.follow(stepsOf(text('More nodes')));
  await machine.follow(stepsOf(text('When replicas differ')));
});

guide('recover', 'a node is replaced', async (machine, text) => {
  await makeThree(machine);
  await machine.follow(stepsOf(section('docs/guide/operate.md', 'More nodes')).slice(0, 1));
  await machine.follow(stepsOf(text('A node is lost')));
});

guide('recover', 'a majority is lost', async (machine, text) => {
  await makeThree(machine, '--shards 1');
  await machine.type('redis-cli -c -h 10.0.0.1 -p 7001 set greeting hello');
  const readHere = "printf 'READONLY\\nGET greeting\\n' | redis-cli -h 10.0.0.1 -p 7001"; // what it answers it has applied
  assert.match(await machine.type(readHere), /^hello$/m);
  for (const node of machine.nodes.slice(1)) await machine.kill(node);
  await machine.follow(stepsOf(text('A majority is lost')));
});

guide('security', 'the key is rotated', async (machine, text) => {
  await makeThree(machine);
  const [[rotate], [list]] = blocksOf(text('Rotating the key'));
  await machine.follow([rotate, list]);
});

// A report that cannot be written is refused once the scenario was understood, and before anything is started.
test('docs/guide/chaos.md: every statement that is shown means something, and so does docs/scenarios', {skip}, async (t) => {
  const machine = await Machine.start(t);
  const text = section('docs/guide/chaos.md', 'Scenarios');
  const statements = [...text.matchAll(/^ {4}(\S.*?)(?: {2,}.*)?$/gm)].map(([, statement]) => statement);
  assert.ok(statements.length >= 20, statements.join('\n'));
  fs.writeFileSync(path.join(machine.directory, 'home/all.txt'), statements.join('\n'));
  const scenarios = fs.readdirSync(path.join(root, 'docs/scenarios')).map((name) => path.join(root, 'docs/scenarios', name));
  for (const scenario of [path.join(machine.directory, 'home/all.txt'), ...scenarios]) {
    const {code, stderr} = await run(program, ['chaos', '--scenario', scenario, '--report', path.join(machine.directory, 'nosuch/page.html')]);
    assert.deepStrictEqual([code, /the report cannot be written/.test(stderr)], [2, true], `${scenario}: ${stderr}`);
  }
});

test('docs/guide/chaos.md: the faults of an agent', {skip}, async (t) => {
  const machine = await Machine.start(t);
  await machine.type('trothdb agent --fault-injection yes');
  const commands = [...section('docs/guide/chaos.md', 'Faults without chaos').matchAll(/^ {4}(GOSSIP FAULT .*)$/gm)].map(([, command]) => command);
  assert.strictEqual(commands.length, 3);
  const [set, list, clear] = commands.map((command) => `redis-cli -p 7001 ${command}`);
  assert.strictEqual(await machine.type(set), 'OK\n');
  const rules = [...set.matchAll(/"([^"]+)"/g)].map(([, rule]) => rule);
  assert.deepStrictEqual((await machine.type(list)).split('\n').slice(0, 1 + rules.length), ['rules', ...rules]);
  assert.strictEqual(await machine.type(clear), 'OK\n');
});

test('docs/guide/drill.md: the drill says every line that is shown', {skip}, async (t) => {
  const machine = await Machine.start(t);
  const [commands] = blocksOf(page('docs/guide/drill.md'));
  const shown = /^ {4}3 nodes in [\s\S]*?^ {4}passed\n/m.exec(page('docs/guide/drill.md'))[0];
  await machine.expect(commands.at(-1).command, shown, {isPart: true, isOnce: true});
});
