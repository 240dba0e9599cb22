// trothdb chaos with real agents: a whole short run, one that is not as expected, the rules of GOSSIP FAULT, and what is refused.
'use strict';
const assert = require('node:assert');
const {spawn, spawnSync} = require('node:child_process');
const {once} = require('node:events');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const test = require('node:test');
const vm = require('node:vm');
const {program, run, sleep, startCluster, startNodes, until} = require('./cluster.js');

const temporary = (t) => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'trothdb-e2e-'));
  t.after(() => fs.rmSync(directory, {recursive: true, force: true}));
  return directory;
};
const write = (directory, text) => {
  const file = path.join(directory, 'scenario.txt');
  fs.writeFileSync(file, text);
  return file;
};
const canMount = process.getuid() === 0 && spawnSync('unshare', ['-m', 'sh', '-c', 'mount --bind /proc/version /proc/meminfo']).status === 0;

// Its own temporary directory shows that nothing is left behind.
const chaos = (directory, ...words) => run(program, ['chaos', ...words], {timeout: 90000, env: {...process.env, TMPDIR: directory}});

// Runs the page's program on as much of a document as it uses; returns how many elements of each name it made.
function draw(html) {
  const made = {labels: [], texts: []};
  class Element {
    constructor(name) { this.name = name; made[name] = (made[name] || 0) + 1; }
    setAttribute(name, value) {
      if (name === 'aria-label') made.labels.push(value);
      assert.doesNotMatch(String(value), /NaN|undefined|Infinity/, `${this.name}, ${name}`);
    }
    append(...children) {
      for (const child of children.filter((one) => typeof one === 'string')) {
        assert.doesNotMatch(child, /NaN|undefined|Infinity/);
        made.texts.push(child);
      }
    }
    replaceChildren(...children) { this.append(...children); }
    addEventListener() {}
  }
  const elements = {report: new Element('script'), main: new Element('main'), title: new Element('h1'), about: new Element('p')};
  elements.report.textContent = /<script type="application\/json" id="report">(.*?)<\/script>/s.exec(html)[1];
  const page = {getElementById: (id) => elements[id], createElement: (name) => new Element(name), createElementNS: (_, name) => new Element(name)};
  const context = vm.createContext({page});
  // Names that a browser's pages cannot declare anew.
  vm.runInContext('for (const name of ["document", "window", "location", "top"]) Object.defineProperty(globalThis, name, {value: page, configurable: false})', context);
  vm.runInContext(/<script>(.*)<\/script>/s.exec(html)[1], context);
  return made;
}

test('six agents go through everything, and the report tells it', async (t) => {
  const directory = temporary(t);
  const scenario = write(directory, `agents 6
messages 20/s
at 500ms kill a6
at 1s loss 10% for 1s
at 1s cut a4 > a6 for 500ms   # which is dead: there is nothing to cut
delay 1ms..3ms
duplicate 5% on a1
at 2s stop a2 for 500ms
at 3s join 1
at 3s cut a1 > a3 for 500ms
at 4s restart a6
lasts 8s
expect 90% of news within 3s
expect no false deaths
`);
  const page = path.join(directory, 'report.html');
  const {code, stdout, stderr} = await chaos(directory, '--scenario', scenario, '--json', '--report', page);
  const report = JSON.parse(stdout);
  assert.strictEqual(code, 0, stdout + stderr);
  assert.strictEqual(report.is_ok, true);
  assert.strictEqual(report.agents, 6);
  assert.ok(report.news.sent > 50, `${report.news.sent} messages were sent`);
  assert.ok(report.news.known_to_all > report.news.sent / 2, `${report.news.known_to_all} were known to all`);
  assert.ok(report.slices[0].messages_per_1000s > 0, 'what was sent in the first second is told of the first second');
  assert.deepStrictEqual(report.deaths.map((death) => death.agent), ['a6']);
  assert.strictEqual(report.deaths[0].viewers, 5);
  assert.ok(report.timeline.some((step) => step.what === 'loss 10% for 1s'));
  assert.ok(report.per_agent.bytes_per_second > 0 && report.per_agent.resident_most_bytes > 1e6, stdout);
  const html = fs.readFileSync(page, 'utf8');
  const held = /<script type="application\/json" id="report">(.*?)<\/script>/s.exec(html);
  assert.deepStrictEqual(JSON.parse(held[1]), report, 'the page holds the same numbers');
  const made = draw(html);
  assert.ok(made.svg >= 8 && made.path >= 8 && made.table >= 4, JSON.stringify(made));
  assert.doesNotMatch(html, /(src|href)=|https?:\/\/(?!www\.w3\.org)/, 'it loads nothing');
  assert.deepStrictEqual(fs.readdirSync(directory).sort(), ['report.html', 'scenario.txt'], 'nothing else is left');
});

test('a report shows plots of what the scenario has, and of nothing else', async (t) => {
  const directory = temporary(t), page = path.join(directory, 'report.html');
  const scenario = write(directory, 'agents 2\nlasts 2s\nexpect no false deaths\nexpect deaths within 1s\n');
  const {code, stdout} = await chaos(directory, '--scenario', scenario, '--report', page);
  assert.strictEqual(code, 1, stdout);
  assert.match(stdout, /unknown: expect deaths within 1s \(there was no death\)/);
  const {labels} = draw(fs.readFileSync(page, 'utf8'));
  assert.ok(labels.includes('Views that were wrong'), labels.join());
  assert.deepStrictEqual(labels.filter((label) => /message|News|hold it for dead/.test(label)), []);
});

test('what is not as expected is exit code 1 with the reason', async (t) => {
  const directory = temporary(t);
  const scenario = write(directory, 'agents 3\nmessages 20/s\nlasts 2s\nexpect news within 1us\nexpect no false deaths\n');
  const {code, stdout} = await chaos(directory, '--scenario', scenario);
  assert.strictEqual(code, 1, stdout);
  assert.match(stdout, /NOT MET: expect news within 1us \(0\.0% of \d+ messages were known to all by then/);
  assert.match(stdout, /met {4}: expect no false deaths \(0 false deaths\)/);
  assert.match(stdout, /news known to all/);
});

test('a step that found too few agents to fall on is told', async (t) => {
  const directory = temporary(t);
  const scenario = write(directory, 'agents 4\nrestart 1\nat 200ms kill a2\nat 400ms stop a1-a3 for 200ms every 300ms\nat 900ms restart 1\nlasts 1500ms\n');
  const {code, stdout} = await chaos(directory, '--scenario', scenario, '--report', path.join(directory, 'report.html'));
  assert.strictEqual(code, 0, stdout);
  assert.deepStrictEqual(stdout.split('\n').filter((line) => line.startsWith('short')), ['short  : restart 1 (line 2; it fell on 0 of 1 agents)',
    'short  : stop a1-a3 for 200ms every 300ms (line 4; it fell on 2 of 3 agents)']);
  const {texts} = draw(fs.readFileSync(path.join(directory, 'report.html'), 'utf8'));
  assert.ok(texts.includes('restart 1 (it fell on 0 of 1 agents)'), texts.join());
});

test('a run that is interrupted has met nothing, and says how far it came', async (t) => {
  const directory = temporary(t);
  const scenario = write(directory, 'agents 3\nmessages 20/s\nlasts 20s\nexpect news within 30s\nexpect no false deaths\n');
  const child = spawn(program, ['chaos', '--scenario', scenario, '--report', path.join(directory, 'report.html')],
    {env: {...process.env, TMPDIR: directory}, stdio: ['ignore', 'pipe', 'pipe']});
  t.after(() => child.kill('SIGKILL'));
  let stdout = '', stderr = '';
  child.stdout.on('data', (chunk) => { stdout += chunk; });
  child.stderr.on('data', (chunk) => { stderr += chunk; });
  const ended = new Promise((resolve) => child.once('close', resolve));
  await until('it has begun', async () => stdout.includes('of 20 s'));
  child.kill('SIGINT');
  assert.strictEqual(await ended, 1, stdout + stderr);
  assert.match(stderr, /stopped by Interrupt/);
  assert.match(stdout, /unknown: expect news within 30s \(until the run ended, before its time: /);
  assert.match(stdout, /unknown: expect no false deaths \(until the run ended, before its time: 0 false deaths\)/);
  assert.doesNotMatch(stdout, /^(NOT )?met/mi);
  assert.match(fs.readFileSync(path.join(directory, 'report.html'), 'utf8'), /"is_met":false,"is_known":false/);
});

test('what means nothing is told with its line, and nothing is started', async (t) => {
  const directory = temporary(t);
  const refused = async (words, message) => {
    const {code, stdout, stderr} = await chaos(directory, ...words);
    assert.strictEqual(code, 2, stderr);
    assert.match(stderr, message);
    assert.strictEqual(stdout, '');
  };
  const scenario = write(directory, 'agents 5\nat 2s kil 1\n');
  await refused(['--scenario', scenario], /scenario\.txt:2: 'kil' is no statement: write /);
  await refused(['--scenario', path.join(directory, 'none.txt')], /none\.txt cannot be read: No such file/);
  await refused(['--agents', '2', '--scenario', write(directory, 'agents 5\nkill a5\n')], /scenario\.txt:2: there is no a5: agents are a1 to a2/);
  await refused(['--agents', '1'], /--agents takes a number from 2 to 2000, not '1'/);
  await refused(['scenario.txt'], /'scenario\.txt' is too much; a scenario is given by --scenario FILE/);
  await refused(['--find-largest', '--goal', 'soon'], /--goal:1: 'soon' cannot be expected: write news or deaths/);
  await refused(['--goal', '95% of news within 1s'], /--goal goes with --find-largest/);
  await refused(['--find-largest', '--agents', '7'], /--find-largest takes --goal, --agents-max, --seed and --json only/);
});

test('a setting that no agent has ends the run with its words', async (t) => {
  const directory = temporary(t);
  const scenario = write(directory, 'agents 2\nsetting gossip-nothing 7\n');
  const {code, stderr} = await chaos(directory, '--scenario', scenario);
  assert.strictEqual(code, 1);
  assert.match(stderr, /a[12] ended by itself, exit code 2; its last words:\n.*gossip-nothing/s);
  assert.deepStrictEqual(fs.readdirSync(directory), ['scenario.txt']);
});

// With 10 MB of memory that the machine says are left, which nobody would have for twice as many agents.
test('memory that would not be enough is the limit that is named', {skip: canMount ? false : 'a file in the place of /proc/meminfo takes root'}, async (t) => {
  const directory = temporary(t), meminfo = path.join(directory, 'meminfo');
  fs.writeFileSync(meminfo, 'MemTotal:  16000000 kB\nMemAvailable:  10240 kB\n');
  const {code, stdout, stderr} = await run('unshare', ['-m', 'sh', '-c', 'mount --bind "$1" /proc/meminfo && shift && exec "$@"', 'sh', meminfo,
    program, 'chaos', '--find-largest', '--goal', '50% of news within 1s', '--agents-max', '16', '--json']);
  assert.strictEqual(code, 0, stdout + stderr);
  const {largest, limit, trials} = JSON.parse(stdout);
  assert.deepStrictEqual([largest, limit, trials[0].is_met], [8, 'memory', true], stdout);
  assert.ok(trials.length > 1 && trials.slice(1).every((trial) => trial.limit === 'memory' && /would take \d+ MB, and 10 MB are available/.test(trial.problem)), stdout);
});

test('the largest of at most four agents is four', async (t) => {
  const directory = temporary(t);
  const {code, stdout, stderr} = await chaos(directory, '--find-largest', '--goal', '50% of news within 2s', '--agents-max', '4', '--json');
  assert.strictEqual(code, 0, stdout + stderr);
  const found = JSON.parse(stdout);
  assert.strictEqual(found.largest, 4);
  assert.strictEqual(found.limit, 'agents-max');
  assert.deepStrictEqual(fs.readdirSync(directory), []);
});

test('which limit was met first is told: a goal that none can meet, or what the system allows', async (t) => {
  const directory = temporary(t);
  const words = ['chaos', '--find-largest', '--goal', 'news within 1us', '--agents-max', '2'];
  const goal = await chaos(directory, ...words.slice(1), '--json');
  assert.strictEqual(goal.code, 1, goal.stdout + goal.stderr);
  const {largest, limit, trials} = JSON.parse(goal.stdout);
  assert.deepStrictEqual([largest, trials.length, trials[0].is_met], [0, 1, false]);
  assert.strictEqual(limit, trials[0].processor_ppm >= 950000 ? 'processor' : 'goal'); // who else is busy here is not known
  const files = await run('prlimit', ['--nofile=65:65', program, ...words], {env: {...process.env, TMPDIR: directory}});
  assert.strictEqual(files.code, 1, files.stdout + files.stderr);
  assert.match(files.stdout, /2 agents +not met: 2 agents take 66 file descriptors and 65 are allowed; raise the limit/);
  assert.match(files.stdout, /meets the goal has 0 agents; the limit met first: the file descriptors\n$/);
  assert.deepStrictEqual(fs.readdirSync(directory), []);
});

test('a search for the largest that is stopped says so, to programs too', async (t) => {
  const directory = temporary(t);
  const child = spawn(program, ['chaos', '--find-largest', '--json'], {stdio: ['ignore', 'pipe', 'pipe'], env: {...process.env, TMPDIR: directory}});
  t.after(() => child.kill('SIGKILL'));
  let stdout = '';
  child.stdout.on('data', (chunk) => { stdout += chunk; });
  const ended = once(child, 'close');
  await until('it has begun', async () => fs.readdirSync(directory).length > 0);
  child.kill('SIGINT');
  assert.deepStrictEqual(await ended, [1, null]);
  assert.deepStrictEqual(JSON.parse(stdout), {error: 'stopped before the largest was found'});
  assert.deepStrictEqual(fs.readdirSync(directory), []);
});

test('two nodes whose gossip is cut lose sight of each other, and find each other again', async (t) => {
  const {nodes: [first, second]} = await startNodes(t, {nodes: 2, flags: ['--fault-injection', 'yes', '--gossip-probe-interval-ms', '100', '--gossip-probe-timeout-ms', '50']});
  const state = async () => String(await first.ask('GOSSIP', 'MEMBERS')).includes('alive') && JSON.stringify(await first.ask('GOSSIP', 'MEMBERS'));
  const countOf = (text, word) => text.split(`"${word}"`).length - 1;
  await until('both are alive', async () => { const text = await state(); return text && countOf(text, 'alive') === 2; });
  for (const [rules, message] of [[['lose 5%'], /'lose' is no fault: write cut, loss, duplicate or delay/], [['cut', 'loss 1'], /'1' is no share/], [[], /SET takes rules/]]) {
    assert.match(String(await first.ask('GOSSIP', 'FAULT', 'SET', ...rules)), message);
  }
  assert.match(String(await first.ask('GOSSIP', 'FAULT', 'BREAK')), /takes SET and rules, CLEAR, or LIST/);
  assert.deepStrictEqual((await first.ask('GOSSIP', 'FAULT', 'LIST'))[1], [], 'a wrong rule changes nothing');
  const rules = [`cut with 127.0.0.1:${second.peerPort}`, 'loss 1% to *'];
  assert.strictEqual(await first.ask('GOSSIP', 'FAULT', 'SET', ...rules), 'OK');
  assert.deepStrictEqual((await first.ask('GOSSIP', 'FAULT', 'LIST'))[1], rules);
  await until('the other is dead', async () => countOf(await state(), 'dead') === 1);
  assert.strictEqual(await first.ask('GOSSIP', 'FAULT', 'CLEAR'), 'OK');
  await until('both are alive again', async () => countOf(await state(), 'alive') === 2);
});

// What is cut are datagrams of gossip, and the streams by which it tries who does not answer them; Raft goes on.
test('who is heard by Raft is not called dead, though all gossip with it is cut', async (t) => {
  const {nodes} = await startCluster(t, {nodes: 3, isCalm: true, flags: ['--fault-injection', 'yes']});
  const [first, second, third] = nodes;
  const states = async (asked) => {
    const {stdout} = await run(program, ['members', '--json', '--at', asked.address]);
    return JSON.parse(stdout).filter(({client}) => client !== asked.address).map(({state}) => state).join(' ');
  };
  const probes = async (node, outcome) =>
    Number(new RegExp(`^trothdb_gossip_probes_total\\{outcome="${outcome}"\\} (\\d+)$`, 'm').exec((await node.get('/metrics')).text)[1]);
  await until('all are alive', async () => (await Promise.all(nodes.map(states))).every((told) => told === 'alive alive'));
  assert.strictEqual(await first.ask('GOSSIP', 'FAULT', 'SET', `cut with 127.0.0.1:${second.peerPort}`, `cut with 127.0.0.1:${third.peerPort}`), 'OK');
  const before = await probes(first, 'by-contact');
  const seen = new Set();
  for (let i = 0; i < 40; i++, await sleep(250)) for (const told of await Promise.all(nodes.map(states))) seen.add(told);
  assert.deepStrictEqual([...seen].filter((told) => told.includes('dead')), [], 'four times as long as a suspicion lasts');
  assert.ok(await probes(first, 'by-contact') > before + 5, 'it was probed in vain, and heard of otherwise');
  await second.kill();
  await until('its death is found all the same', async () => (await states(first)).includes('dead'));
});

test('without fault-injection there are no faults', async (t) => {
  const {nodes: [node]} = await startNodes(t);
  for (const words of [['SET', 'loss 5%'], ['LIST'], ['CLEAR']]) {
    assert.match(String(await node.ask('GOSSIP', 'FAULT', ...words)), /faults are not allowed here: start the process with --fault-injection yes/);
  }
});

test('two nodes that lose all datagrams to each other stay alive by streams', async (t) => {
  const {nodes: [first, second]} = await startNodes(t, {nodes: 2, flags: ['--fault-injection', 'yes']});
  const states = async () => JSON.stringify(await first.ask('GOSSIP', 'MEMBERS'));
  const countOf = (text, word) => text.split(`"${word}"`).length - 1;
  const answers = async () => Number(/^trothdb_gossip_stream_answers_total (\d+)$/m.exec((await first.get('/metrics')).text)[1]);
  await until('both are alive', async () => countOf(await states(), 'alive') === 2);
  assert.strictEqual(await first.ask('GOSSIP', 'FAULT', 'SET', `loss 100% with 127.0.0.1:${second.peerPort}`), 'OK');
  // A suspicion takes two seconds to become a death; twelve answers are more than four of those seconds.
  const seen = [];
  await until('it was tried by a stream again and again', async () => {
    seen.push(await states());
    return await answers() >= 12;
  });
  assert.deepStrictEqual(seen.filter((text) => countOf(text, 'dead') > 0), [], 'its datagrams are lost, but it lives');
  await second.kill();
  await until('its death is found all the same', async () => countOf(await states(), 'dead') === 1);
});
