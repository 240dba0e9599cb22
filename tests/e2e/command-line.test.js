// Wrong command lines: each ends at once, with the exit code of its kind, and says in one place what is wrong.
'use strict';
const assert = require('node:assert');
const {spawn} = require('node:child_process');
const {once} = require('node:events');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const test = require('node:test');
const {program, run, startCluster, startNodes, until} = require('./cluster.js');
const {freePort} = require('./ports.js');

const USAGE = 2, FAILED = 1;

const threePorts = async () => ['--port', await freePort(), '--peer-port', await freePort(), '--admin-port', await freePort()];

// What a member logs until it has been stopped; SIGTERM is sent once it serves.
async function firstLines(t, words) {
  const child = spawn(program, words.map(String), {stdio: ['ignore', 'ignore', 'pipe']});
  let log = '';
  t.after(() => child.kill('SIGKILL'));
  child.stderr.on('data', (chunk) => {
    log += chunk;
    if (log.includes('msg=serving')) child.kill('SIGTERM');
  });
  await once(child, 'close');
  return log;
}

test('a wrong command line is told what is wrong with it', async (t) => {
  const {nodes: [node]} = await startCluster(t, {nodes: 1});
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'trothdb-lines-'));
  t.after(() => fs.rmSync(directory, {recursive: true, force: true}));
  const H = `127.0.0.1:${node.port}`, nobody = `127.0.0.1:${await freePort()}`, file = path.join(directory, 'file');
  fs.writeFileSync(file, 'timeout 0\nmaxclients many\n');
  const server = ['server', '--dir', path.join(directory, 'data'), ...await threePorts()];
  const lines = [
    [['nosuch'], USAGE, /no command 'nosuch'/],
    [['help', 'nosuch'], USAGE, /no command 'nosuch'/],
    [['version', 'now'], USAGE, /no arguments/],
    [['server', 'now'], USAGE, /'now' is no flag/],
    [['server', '--nosuch'], USAGE, /--nosuch: a value is missing; --help lists all flags/],
    [['server', '--nosuch', '1'], USAGE, /no setting is called 'nosuch'/],
    [['server', '--port', 'x'], USAGE, /port: 'x' is not allowed; it must be a whole number from 1 to 65535/],
    [[...server, '--config', path.join(directory, 'nosuch')], USAGE, /nosuch': No such file/],
    [[...server, '--config', directory], USAGE, /Is a directory/],
    [[...server, '--config', file], USAGE, /file:2: maxclients: 'many' is not allowed; it must be a whole number/],
    [[...server, '--bind', '0.0.0.0'], USAGE, /not loopback, and without a cluster key/],
    [[...server, '--name', 'a\x1b[31mb'], USAGE, /^trothdb server: name: 'a\\x1b\[31mb' is no name/],
    [['agent', '--name', 'a\x1b[31mb'], USAGE, /^trothdb agent: name: 'a\\x1b\[31mb' is no name/],
    [[...server, '--join', '127.0.0.1'], USAGE, /join: '127.0.0.1' is not host:port/],
    [[...server, '--backup-to', 'ftp://x'], USAGE, /backup-to: 'ftp:\/\/x' is no place for backups; name a directory/],
    [['cluster', 'set', 'backup-to', 's3://', '--at', H], FAILED, /nothing was changed:\n.*'s3:\/\/' is no place for backups/],
    [[...server, '--dir', file], FAILED, /Not a directory/],
    [[...server, '--port', node.port], FAILED, /cannot listen on .*Address already in use; another process has it/],
    [['cluster', 'nosuch'], USAGE, /there is no 'nosuch'\nusage: trothdb cluster create/],
    [['cluster', 'status', H, H], USAGE, /^trothdb cluster: '127.0.0.1:\d+' is too much\nusage: trothdb cluster status/],
    [['cluster', 'status', H, '--at', H], USAGE, /' is too much\nusage: trothdb cluster status/],
    [['cluster', 'status', '127.0.0.1'], USAGE, /'127.0.0.1' is not host:port/],
    [['cluster', 'status', '\x1b[31mx'], USAGE, /^trothdb cluster: '\\x1b\[31mx' is not host:port/],
    [['cluster', 'status', nobody], FAILED, /cannot connect to .*Connection refused/],
    [['cluster', 'status', H, '--nosuch'], USAGE, /no flag --nosuch/],
    [['cluster', 'create', H], USAGE, /3 replicas need 3 nodes, and 1 is named/],
    [['cluster', 'create', H, '--replicas', '1'], FAILED, /belongs to cluster .* already; only a spare can be taken/],
    [['cluster', 'create', H, '--shards', '0'], USAGE, /--shards takes a number from 1 to 1024, not '0'/],
    [['cluster', 'remove', H], USAGE, /^trothdb cluster: --at is missing: name any node of the cluster .*\nusage: trothdb cluster remove/],
    [['cluster', 'set', 'timeout', '1'], USAGE, /^trothdb cluster: --at is missing/],
    [['cluster', 'set', 'timeout', '--at', H], USAGE, /^trothdb cluster: something is missing behind 'timeout'\n/],
    [['cluster', 'unset', '--at', H], USAGE, /^trothdb cluster: something is missing\n/],
    [['cluster', 'settings', 'a', 'b', '--at', H], USAGE, /^trothdb cluster: 'b' is too much\n/],
    [['cluster', 'recover', H, H], USAGE, /' is too much\nusage: trothdb cluster recover/],
    [['cluster', 'leader', 'x', H, '--at', H], USAGE, /^trothdb cluster: 'x' is no shard: write its number, such as 3\n/],
    [['cluster', 'replicas', 99, H, '--at', H], FAILED, /there is no shard 99/],
    [['cluster', 'replicas', 1, nobody, '--at', H], FAILED, /is no node of the cluster/],
    [['cluster', 'replicas', 1, `${H},${H}`, '--at', H], FAILED, /nothing was changed:\n127.0.0.1:\d+ is named twice/],
    [['cluster', 'replicas', 1, `${H},`, '--at', H], FAILED, /nothing was changed:\n'' is not host:port/],
    [['cluster', 'recover', `${H},,`, '--dry-run'], FAILED, /name the nodes that are left/],
    [['cluster', 'leader', 99, H, '--at', H], FAILED, /there is no shard 99/],
    [['cluster', 'set', 'timeout', '1', 'Timeout', '2', '--at', H], FAILED, /nothing was changed:\n.*timeout: it is named twice; say one value/],
    [['cluster', 'remove', nobody, '--at', H], FAILED, /is no node of the cluster/],
    [['cluster', 'set', 'nosuch', '1', '--at', H], FAILED, /no setting is called 'nosuch'/],
    [['cluster', 'set', 'timeout', 'x', '--at', H], FAILED, /timeout: 'x' is not allowed/],
    [['cluster', 'settings', 'nosuch*', '--at', H], FAILED, /nothing is shown:\nno setting fits 'nosuch\*'; without a pattern, --all lists all/],
    [['cluster', 'unset', 'nosuch', '--at', H], FAILED, /no setting is called 'nosuch'/],
    [['members', '--at', nobody], FAILED, /Connection refused/],
    [['members', '--at', `127.0.0.1:${node.adminPort}`], FAILED, /cannot understand .*: not a reply of the Redis protocol/],
    [['members', '--nosuch'], USAGE, /no flag --nosuch/],
    [['members', '--at', '\x1b[31mx'], USAGE, /^trothdb members: '\\x1b\[31mx' is not host:port/],
    [['cluster', 'replicas', 1, '\x1b[31mx', '--at', H], FAILED, /nothing was changed:\n'\\x1b\[31mx' is not host:port/],
    [['gossip', 'nosuch', '--at', H], USAGE, /there is no 'nosuch'\nusage:/],
    [['gossip', 'keys', 'list', '--at', 'x'], USAGE, /^trothdb gossip keys: 'x' is not host:port/],
    [['gossip', 'keys', 'rotate', '--at', H], USAGE, /name the file of that one with --cluster-key-file/],
    [['gossip', 'get', 'nobody', '--at', H], FAILED, /no member has the name or id 'nobody'/],
    [['agent', '--dir', '/sys/trothdb', '--port', await freePort(), '--peer-port', await freePort()], FAILED, /^trothdb agent: cannot make the directory/],
    [['agent', '--tag', 'x'], USAGE, /--tag: 'x' is not key=value/],
    [['chaos', '--scenario', path.join(directory, 'nosuch')], USAGE, /cannot be read: No such file/],
    [['chaos', '--report', path.join(directory, 'nosuch', 'page.html')], USAGE, /the report cannot be written to .*No such file/],
    [['check', directory], USAGE, /no node ever ran in/],
    [['check', node.directory], USAGE, /in use by another process/],
    [['backup', 'check', '--to', directory], FAILED, /there is no backup in that place/],
    [['backup', 'list', '--to', directory], FAILED, /there is no backup in that place/],
    [['backup', 'list', '--to', path.join(directory, 'nosuch')], FAILED, /there is no backup in that place/],
    [['backup', 'nosuch'], USAGE, /say `now HOST:PORT`/],
    [['backup', 'list', '--to', 'ftp://x'], USAGE, /^trothdb backup list: 'ftp:\/\/x' is no place for backups; name a directory/],
    [['restore', '--from', 's3://', '--dir', path.join(directory, 'new')], USAGE, /^trothdb restore: 's3:\/\/' does not read s3:\/\/BUCKET\/PREFIX/],
    [['backup', 'now', '127.0.0.1'], USAGE, /^trothdb backup now: '127.0.0.1' is not host:port/],
    [['restore', '--from', directory], USAGE, /--dir/],
    [['restore', '--from', directory, '--dir', path.join(directory, 'new'), '--to', '1:5,2:7,1:6'], USAGE, /each shard once/],
    [['restore', '--from', directory, '--dir', path.join(directory, 'new'), '--to', '2026-02-30T00:00:00Z'], USAGE, /--to is `latest`, a time such as/],
  ];
  for (const [words, code, expected] of lines) {
    const result = await run(program, words, {timeout: 20000});
    const said = `trothdb ${words.join(' ')}\n${JSON.stringify(result)}`;
    assert.strictEqual(result.code, code, said);
    assert.match(result.stderr, expected, said);
    assert.strictEqual(result.stdout, '', said);
  }
  assert.strictEqual(await node.ask('PING'), 'PONG');
});

// Who asks for JSON reads stdout: what a person is told on stderr is there as well.
test('a wrong command line with --json is told in JSON, too', async (t) => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'trothdb-json-'));
  t.after(() => fs.rmSync(directory, {recursive: true, force: true}));
  const lines = [
    [['check'], /name one directory/],
    [['check', '--nosuch', directory], /no flag --nosuch/],
    [['check', directory], /no node ever ran in/],
    [['backup', 'nosuch'], /say `now HOST:PORT`/],
    [['backup', 'now', 'x', '--wait', '0'], /--wait takes a number from 1 to 86400, not '0'/],
    [['backup', 'now', 'x'], /'x' is not host:port/],
    [['restore'], /name the backup with --from/],
    [['cluster', 'nosuch'], /there is no 'nosuch'/],
    [['cluster', 'create'], /usage: trothdb cluster create/],
    [['cluster', 'create', '127.0.0.1:1'], /3 replicas need 3 nodes, and 1 is named/],
    [['cluster', 'status', '127.0.0.1'], /'127.0.0.1' is not host:port/],
    [['cluster', 'add', '127.0.0.1:1'], /--at is missing/],
    [['cluster', 'add', 'x', '--at', '127.0.0.1:1'], /'x' is not host:port/],
    [['cluster', 'replicas', 'x', 'y', '--at', '127.0.0.1:1'], /usage: trothdb cluster replicas/],
    [['cluster', 'leader', '1', 'y', '--at', '127.0.0.1:1'], /'y' is not host:port/],
    [['cluster', 'remove', 'x', '--at', 'y'], /'y' is not host:port/],
    [['cluster', 'recover'], /usage: trothdb cluster recover/],
    [['cluster', 'recover', 'x', '--wait=-1'], /--wait takes a number/],
    [['cluster', 'set', 'timeout', '--at', '127.0.0.1:1'], /usage: trothdb cluster set/],
    [['cluster', 'unset', 'timeout'], /usage: trothdb cluster unset/],
    [['cluster', 'settings', '--at', 'x'], /'x' is not host:port/],
    [['members', 'x'], /it takes flags only/],
    [['members', '--json=1'], /--json takes no value/],
    [['members', '--at', 'x'], /'x' is not host:port/],
    [['gossip', 'info', '--at', 'x'], /'x' is not host:port/],
    [['gossip'], /it takes a word/],
    [['gossip', 'nosuch'], /there is no 'nosuch'/],
    [['gossip', 'set', 'a'], /it is `trothdb gossip set KEY VALUE`/],
    [['gossip', 'keys', 'nosuch'], /it takes one of list, rotate/],
    [['chaos', 'x'], /'x' is too much/],
    [['chaos', '--goal', 'x'], /--goal goes with --find-largest/],
    [['chaos', '--find-largest', '--goal', 'x'], /'x' cannot be expected/],
    [['chaos', '--scenario', path.join(directory, 'nosuch')], /cannot be read/],
    [['chaos', '--report', path.join(directory, 'nosuch', 'page.html')], /the report cannot be written/],
    [['drill', 'x'], /it takes flags only/],
  ];
  for (const [words, expected] of lines) {
    const {code, stdout, stderr} = await run(program, [...words, '--json'], {timeout: 20000});
    const said = `trothdb ${words.join(' ')} --json\n${stdout}${stderr}`;
    assert.strictEqual(code, USAGE, said);
    assert.match(stderr, expected, said);
    assert.ok(stdout.endsWith('}\n'), said);
    const {error, ...others} = JSON.parse(stdout);
    assert.match(error, expected, said);
    assert.deepStrictEqual(others, {}, said);
  }
});

test('the simulators say which flag takes what', async () => {
  const lines = [
    ['trothdb-sim', ['--seeds', '5..1'], /^trothdb-sim: --seeds takes A\.\.B, two seeds of which the first is not the larger, not '5\.\.1'\n$/],
    ['trothdb-sim', ['--seed', 'x'], /--seed takes a whole number, not 'x'/],
    ['trothdb-sim', ['--minutes=0'], /--minutes takes minutes, more than 0 and at most 1000000, not '0'/],
    ['trothdb-sim', ['--print', '--mix', 'nosuch'], /--mix takes the name of a mix; --help lists them, not 'nosuch'/],
    ['trothdb-gossip-sim', ['key', '--nodes', '1'], /--nodes takes a number from 2 to 16000, not '1'/],
    ['trothdb-gossip-sim', ['key', '--set', 'gossip-fan-out=x'], /gossip-fan-out: 'x' is not allowed/],
    ['trothdb-gossip-sim', ['key', '--work-us', '-1'], /--work-us takes a number from 0 to 1000000, not '-1'/],
    ['trothdb-gossip-sim', ['nosuch'], /no scenario is called "nosuch"/],
  ];
  for (const [name, words, expected] of lines) {
    const {code, stdout, stderr} = await run(path.join(path.dirname(program), name), words);
    assert.deepStrictEqual([code, stdout], [USAGE, ''], `${name} ${words.join(' ')}`);
    assert.match(stderr, expected);
  }
});

test('--help, wherever it stands, explains the command and does nothing else', async () => {
  const {stdout} = await run(program, ['help']);
  const names = [...stdout.matchAll(/^ {4}(\w+) {2,}/gm)].map(([, name]) => name);
  assert.ok(names.length >= 13, stdout);
  for (const name of names) {
    for (const words of [[name, '--help'], [name, '-h'], [name, '--nosuch', '--help'], ['help', name]]) {
      const {code, stdout, stderr} = await run(program, words);
      assert.deepStrictEqual([code, stderr], [0, ''], words.join(' '));
      assert.match(stdout, new RegExp(`^usage: trothdb ${name}\\b`, 'm'), words.join(' '));
    }
  }
});

test('no line of any help is wider than a usual terminal', async () => {
  const {stdout} = await run(program, ['help']);
  const names = [...stdout.matchAll(/^ {4}(\w+) {2,}/gm)].map(([, name]) => name);
  for (const words of [['help'], ...names.flatMap((name) => [['help', name], [name, '--help']])]) {
    const wide = (await run(program, words)).stdout.split('\n').filter((line) => line.length > 80);
    assert.deepStrictEqual(wide, [], words.join(' '));
  }
});

test('a node and an agent warn of a cluster key that everybody may read', async (t) => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'trothdb-key-'));
  t.after(() => fs.rmSync(directory, {recursive: true, force: true}));
  const key = path.join(directory, 'key'), warning = /level=warn msg="everybody on this machine may read .* the cluster key/;
  fs.writeFileSync(key, 'ab'.repeat(32));
  for (const kind of ['server', 'agent']) {
    for (const [mode, isWarned] of [[0o640, false], [0o644, true]]) {
      fs.chmodSync(key, mode);
      const log = await firstLines(t, [kind, '--dir', path.join(directory, kind), ...await threePorts(), '--cluster-key-file', key]);
      assert.strictEqual(warning.test(log), isWarned, log);
    }
  }
});

test('a spare says that it is one, at once', async (t) => {
  const {nodes: [node]} = await startNodes(t, {nodes: 1, flags: ['--join', `127.0.0.1:${await freePort()}`]});
  for (const words of [['backup', 'now', node.address], ['cluster', 'settings', '--at', node.address]]) {
    const {code, stderr} = await run(program, words, {timeout: 20000});
    assert.strictEqual(code, FAILED);
    assert.match(stderr, /the node belongs to no cluster yet/);
  }
});

test('a password that is missing or wrong is asked for by its name', async (t) => {
  const {nodes: [node]} = await startNodes(t, {nodes: 1, flags: ['--requirepass', 'secret']});
  const say = async (password, ...words) => (await run(program, words, {env: {...process.env, TROTHDB_PASSWORD: password}})).stderr;
  for (const words of [['cluster', 'status', node.address], ['members', '--at', node.address], ['gossip', 'info', '--at', node.address]]) {
    assert.match(await say('', ...words), /asks for a password: put it into the environment as TROTHDB_PASSWORD/);
    assert.match(await say('wrong', ...words), /takes another password than the environment's TROTHDB_PASSWORD/);
    assert.strictEqual(await say('secret', ...words), '');
  }
});

test('where nobody is named, who looks asks the first port of this machine', async () => {
  for (const words of [['members'], ['gossip', 'info'], ['cluster', 'status'], ['cluster', 'settings']]) {
    const {code, stderr} = await run(program, words, {timeout: 20000});
    assert.ok(code === 0 || /127\.0\.0\.1:7001/.test(stderr), `${words.join(' ')}: ${code} ${stderr}`);
  }
});

// The environment may have the password of other nodes, or one that is about to be set.
test('a password that nobody asks for is no hindrance', async (t) => {
  const {nodes: [node]} = await startCluster(t, {nodes: 1});
  for (const words of [['cluster', 'status', node.address], ['cluster', 'status', '--at', node.address], ['members', '--at', node.address], ['gossip', 'info', '--at', node.address]]) {
    const {code, stderr} = await run(program, words, {env: {...process.env, TROTHDB_PASSWORD: 'of another'}});
    assert.deepStrictEqual([code, stderr], [0, ''], words.join(' '));
  }
});

test('no row of a table breaks in a narrow window', async (t) => {
  const {nodes: [node], directory} = await startCluster(t, {nodes: 1});
  const backups = path.join(directory, 'backups');
  assert.strictEqual(await node.ask('CONFIG', 'SET', 'backup-to', backups), 'OK');
  assert.strictEqual((await run(program, ['backup', 'now', node.address])).code, 0);
  const fits = async (words, tables) => {
    const {code, stdout} = await run('script', ['-qec', `stty cols 40; "${program}" ${words.join(' ')}`, '/dev/null']);
    const found = stdout.replaceAll('\r', '').split(/\n\n+/).filter((part) => /^ *(node|name|setting|shard|log) {2}/.test(part));
    assert.deepStrictEqual([code, found.length], [0, tables], stdout);
    const rows = found.flatMap((table) => table.trimEnd().split('\n')).filter((line) => !line.startsWith('left out'));
    for (const row of rows) assert.ok(row.length <= 40, stdout);
  };
  await fits(['cluster', 'status', node.address], 2);
  await fits(['cluster', 'settings', 'gossip-probe-interval-ms', '--at', node.address], 1);
  await fits(['members', '--at', node.address], 1);
  await fits(['backup', 'list', '--to', backups], 1);
  await node.stop();
  await fits(['check', node.directory], 2);
});

test('what begins with dashes can be said behind two dashes', async (t) => {
  const {nodes: [node]} = await startCluster(t, {nodes: 1});
  const gossip = (...words) => run(program, ['gossip', ...words]);
  assert.deepStrictEqual(await gossip('set', '--at', node.address, '--', 'note', '--help'), {code: 0, stdout: '', stderr: ''});
  const [{name}] = JSON.parse((await run(program, ['members', '--at', node.address, '--json'])).stdout);
  assert.strictEqual((await gossip('get', name, 'note', '--at', node.address)).stdout, '--help\n');
});

// The shell of an editor, a serial line, a job of cron that was given a terminal: what moves a cursor would be shown there.
test('a terminal that obeys nothing is told nothing but lines', async (t) => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'trothdb-dumb-')), scenario = path.join(directory, 'scenario.txt');
  t.after(() => fs.rmSync(directory, {recursive: true, force: true}));
  fs.writeFileSync(scenario, 'agents 2\nlasts 1s\n');
  const {nodes: [node]} = await startCluster(t, {nodes: 1});
  const onTerminal = (kind, words) => run('script', ['-qec', `"${program}" ${words}`, '/dev/null'], {env: {...process.env, TERM: kind}});
  for (const words of [`chaos --scenario ${scenario}`, `cluster leader 1 ${node.address} --at ${node.address}`, `backup check --to ${directory}`]) {
    for (const kind of ['dumb', '']) {
      const {stdout} = await onTerminal(kind, words);
      assert.doesNotMatch(stdout, /\x1b|\r(?!\n)/, `TERM=${kind} trothdb ${words}`);
    }
  }
  assert.match((await onTerminal('xterm', `chaos --scenario ${scenario}`)).stdout, /\r   .*\x1b\[K/, 'where it can be, the bar is drawn over');
});

// sh, because a descriptor can be closed by it.
const shell = (redirection, words, options) => run('sh', ['-c', `exec "$0" "$@" ${redirection}`, program, ...words], {timeout: 20000, ...options});

test('what cannot be written is told, and is no success', async (t) => {
  const {nodes: [node]} = await startCluster(t, {nodes: 1});
  const lines = [['help'], ['help', 'server'], ['version'], ['server', '--help'], ['cluster', 'status', node.address],
    ['cluster', 'settings', '--all', '--at', node.address, '--json'], ['members', '--at', node.address], ['gossip', 'info', '--at', node.address],
    ['members', '--watch', '--at', node.address]]; // the last line would wait for news for ever
  for (const redirection of ['>/dev/full', '>&-']) {
    for (const words of lines) {
      const {code, stdout, stderr} = await shell(redirection, words);
      assert.deepStrictEqual([code, stdout], [FAILED, ''], `${words.join(' ')} ${redirection}`);
      assert.match(stderr, /^trothdb: the output could not be written/m, `${words.join(' ')} ${redirection}`);
    }
  }
  for (const kind of ['server', 'agent', 'help']) { // who reads no further, as head, wants no complaint
    const {stderr} = await run('sh', ['-c', '(sleep 0.2; exec "$0" "$1" --help) | true; sleep 0.4', program, kind]);
    assert.strictEqual(stderr, '', kind);
  }
  assert.strictEqual((await shell('>&- 2>&- <&-', ['cluster', 'status', node.address])).code, FAILED);
});

test('a node whose log goes nowhere writes it nowhere', async (t) => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'trothdb-mute-'));
  t.after(() => fs.rmSync(directory, {recursive: true, force: true}));
  const [flag, port, ...others] = await threePorts();
  const words = ['server', '--dir', path.join(directory, 'data'), flag, port, ...others].map(String);
  const child = spawn('sh', ['-c', 'exec "$0" "$@" <&- >&- 2>&-', program, ...words], {stdio: 'ignore'});
  t.after(() => child.kill('SIGKILL'));
  await until('it serves', async () => (await run(program, ['cluster', 'status', `127.0.0.1:${port}`])).code === 0);
  for (const descriptor of [0, 1, 2]) assert.strictEqual(fs.readlinkSync(`/proc/${child.pid}/fd/${descriptor}`), '/dev/null');
  child.kill('SIGTERM');
  assert.deepStrictEqual(await once(child, 'exit'), [0, null]);
  assert.strictEqual((await run(program, ['check', path.join(directory, 'data')])).code, 0);
});
