// The console of real nodes in a real browser, and /status, of which it is made: what a cluster is, what happens to it, and that
// what strangers say stays text. What needs a browser is skipped, with a word of what is missing, where there is none.
'use strict';
const assert = require('node:assert');
const path = require('node:path');
const test = require('node:test');
const {browse} = require('./browser.js');
const {freePort} = require('./ports.js');
const {Node, program, run, sleep, startCluster, startNodes, until} = require('./cluster.js');

const HOSTILE = '<img/src=x/onerror=document.title="hit">'; // a name may be any word

const statusOf = async (node) => {
  const {status, type, text} = await node.get('/status');
  assert.strictEqual(status, 200, text);
  assert.strictEqual(type, 'application/json');
  return JSON.parse(text);
};

async function startAgent(cluster, name, seed, ...flags) {
  const agent = await Node.make(cluster.directory, `agent-${cluster.nodes.length}`);
  agent.flags = ['agent', '--name', name, '--port', agent.port, '--peer-port', agent.peerPort, '--admin-port', agent.adminPort,
    '--join', `127.0.0.1:${seed.peerPort}`, ...flags];
  cluster.nodes.push(agent);
  await agent.start();
  return agent;
}

const SLOT_OF_A = 15495;

// Writes to, and reads of, slot 15495 until the test is over. Times are taken by who leads it.
function load(t, node) {
  let isOver = false;
  t.after(() => { isOver = true; });
  (async () => {
    for (let i = 0; !isOver; i++) {
      await node.ask('SET', `{a}${i % 100}`, i).catch(() => {});
      await node.ask('GET', `{a}${i % 100}`).catch(() => {});
      await sleep(20);
    }
  })();
}

// ---- /status ----

test('/status tells what the command line tells, of a cluster, an agent and a spare', async (t) => {
  const cluster = await startCluster(t, {nodes: 3, shards: 4, isCalm: true, workers: 2});
  const [first] = cluster.nodes;
  const agent = await startAgent(cluster, HOSTILE, first, '--zone', 'west');
  await until('all know the agent', async () => (await statusOf(first)).members.length === 4);
  const told = await statusOf(first);
  assert.strictEqual(told.format, 1);
  assert.deepStrictEqual(told.member_counts, {alive: 4, suspect: 0, dead: 0, left: 0, joining: 0});
  assert.strictEqual(told.members_left_out, 0);
  assert.deepStrictEqual(told.durability, {mode: 'sync', async_ms: 10, risk: 'none, but for what a client asks to be async'});

  const said = JSON.parse((await run(program, ['cluster', 'status', first.address, '--json'])).stdout);
  assert.strictEqual(told.cluster.id, said.cluster);
  assert.strictEqual(told.cluster.epoch, said.epoch);
  assert.strictEqual(told.cluster.node, said.asked_node);
  const here = ({number, id, host, client_port: client, peer_port: peer, admin_port: admin}) => ({number, id, host, client, peer, admin});
  assert.deepStrictEqual(told.cluster.nodes.map(here), said.nodes.map(here));
  const shard = ({number, slots, leader, is_settled: isSettled}) => ({number, slots, leader, isSettled});
  assert.deepStrictEqual(told.cluster.shards.map(shard), said.shards.map(shard));
  assert.deepStrictEqual(told.cluster.shards.map(({replicas}) => replicas), said.shards.map(({replicas}) => replicas.map(({node}) => node)));

  // Of two workers: each replica once, and the followers of those that lead here.
  assert.deepStrictEqual(told.replicas.map((replica) => replica.shard).sort(), [0, 1, 2, 3, 4]);
  const led = told.replicas.filter(({role}) => role === 'leader').map((replica) => replica.shard);
  assert.deepStrictEqual(led.sort(), told.cluster.shards.filter(({leader}) => leader === told.cluster.node).map(({number}) => number).sort());
  for (const replica of told.replicas) {
    assert.deepStrictEqual([...replica.voters].sort(), [1, 2, 3]);
    assert.deepStrictEqual(replica.followers.map(({node}) => node).sort(), replica.role === 'leader' ? [2, 3] : []);
  }

  const listed = JSON.parse((await run(program, ['members', '--at', agent.address, '--json'])).stdout);
  const ofAgent = await statusOf(agent);
  const who = ({id, name, address, client, admin, kind, version, state, generation, zone}) =>
    ({id, name, address, client, admin, kind, version, state, generation, zone});
  assert.deepStrictEqual(ofAgent.members.map(who).sort((a, b) => (a.id < b.id ? -1 : 1)), listed.map(who).sort((a, b) => (a.id < b.id ? -1 : 1)));
  assert.deepStrictEqual([ofAgent.cluster, ofAgent.durability, ofAgent.replicas], [null, null, []]);
  assert.deepStrictEqual(ofAgent.members.map(({self}) => self), [true, false, false, false]);
  assert.strictEqual(ofAgent.members[0].name, HOSTILE);
});

// Threads: what goes round the workers while they are busy, and many ask.
test('many ask for /status while shards are written to by two threads, and a spare has none', async (t) => {
  const [node] = (await startCluster(t, {nodes: 1, workers: 2, flags: ['--shards', 8]})).nodes;
  load(t, node);
  const all = await Promise.all(Array.from({length: 40}, () => statusOf(node)));
  for (const told of all) assert.strictEqual(told.replicas.length, 9);
  const [spare] = (await startNodes(t, {flags: ['--join', `127.0.0.1:${await freePort()}`]})).nodes;
  const told = await statusOf(spare);
  assert.deepStrictEqual([told.cluster, told.replicas, told.members.length], [null, [], 1]);
});

test('the console is served with rules for the browser, and not twice', async (t) => {
  const [node] = (await startNodes(t)).nodes;
  const address = `http://127.0.0.1:${node.adminPort}`;
  const page = await fetch(`${address}/`);
  assert.strictEqual(page.headers.get('content-type'), 'text/html; charset=utf-8');
  const html = await page.text();
  const files = [...html.matchAll(/(?:src|href)="(console\/[^"]+)"/g)].map(([, name]) => name);
  assert.deepStrictEqual(files.map((file) => path.extname(file)).sort(), ['.css', '.js', '.svg']);
  assert.doesNotMatch(html, /<script(?! type="module" src)|<style|\son\w+=|https?:/, 'nothing in the page itself runs, and nothing is of elsewhere');
  for (const file of ['', ...files]) {
    const answer = await fetch(`${address}/${file}`);
    assert.strictEqual(answer.status, 200, file);
    assert.match(answer.headers.get('content-security-policy'), /default-src 'none';.*frame-ancestors 'none'; require-trusted-types-for 'script'/);
    assert.strictEqual(answer.headers.get('x-content-type-options'), 'nosniff');
    const tag = answer.headers.get('etag');
    assert.match(tag, /^"[0-9a-f]{16}"$/);
    assert.ok((await answer.text()).length > 100);
    const again = await fetch(`${address}/${file}`, {headers: {'If-None-Match': tag}});
    assert.strictEqual(again.status, 304);
    assert.strictEqual(await again.text(), '');
  }
});

// ---- the page ----

// Opens the console of a node, and notes all that goes wrong, and all that it asks of others.
async function open(browser, node, options) {
  const page = await browser.newPage(options);
  const wrong = [];
  const origin = `http://127.0.0.1:${node.adminPort}/`;
  page.on('console', (message) => wrong.push(`console: ${message.text()}`));
  page.on('pageerror', (error) => wrong.push(`error: ${error.message}`));
  page.on('request', (request) => request.url().startsWith(origin) || wrong.push(`request: ${request.url()}`));
  page.on('requestfailed', (request) => wrong.push(`failed: ${request.url()}`));
  await page.goto(origin, {timeout: 60000});
  return {page, wrong};
}

const textOf = (page, selector) => page.$eval(selector, (element) => element.textContent);
const rowsOf = (page, selector) => page.$$eval(`${selector} tbody tr`, (rows) => rows.map((row) => [...row.children].map((cell) => cell.textContent)));
// What is told at a glance: {name: value}.
const glance = async (page) => Object.fromEntries(await page.$$eval('#cards > div', (all) => all.map((card) => [...card.children].map((part) => part.textContent))));
const glances = (page, wanted) => until(`at a glance: ${JSON.stringify(wanted)}`, async () => {
  const told = await glance(page);
  return Object.entries(wanted).every(([name, value]) => told[name] === value);
});
const MAY_FAIL = 'nodes may still fail before a shard cannot write';
const shows = (page, selector, pattern) => until(`${selector} shows ${pattern}`, async () => pattern.test(await textOf(page, selector)));

test('the console shows a cluster, what it is asked to risk, and how it is lost', async (t) => {
  const browser = await browse(t);
  if (!browser) return;
  const cluster = await startCluster(t, {nodes: 3, shards: 4, isCalm: true});
  const first = await cluster.leaderOf(SLOT_OF_A);
  const [second, third] = cluster.nodes.filter((node) => node !== first);
  const [own, lost] = [first, third].map((node) => cluster.nodes.indexOf(node) + 1); // numbers
  await startAgent(cluster, HOSTILE, first);
  load(t, first);
  const {page, wrong} = await open(browser, first, {viewport: {width: 1280, height: 900}});

  await shows(page, '#verdict', /^All is well$/);
  await until('three nodes are alive', async () => {
    const rows = await rowsOf(page, '#nodes');
    return rows.length === 3 && rows.every(([, , state]) => state.startsWith('alive'));
  });
  assert.deepStrictEqual((await rowsOf(page, '#nodes')).map(([name]) => name), [1, 2, 3].map((number) => number === own ? `${number} (this one)` : `${number}`));
  assert.deepStrictEqual((await rowsOf(page, '#shards')).map(([number]) => number), ['control', '1', '2', '3', '4']);
  await until('each shard has a leader, and one node may fail', async () =>
    (await rowsOf(page, '#shards')).every(([, , leader, , mayFail]) => /^[123]$/.test(leader) && mayFail === '1'));
  assert.deepStrictEqual(await page.$$eval('#nodes a', (all) => all.map((link) => link.href)),
    [second, third].map((node) => `http://127.0.0.1:${node.adminPort}/`));

  await t.test('what matters stands at a glance', async () => {
    await glances(page, {'nodes live': '3 of 3', 'shards with a leader': '4 of 4', [MAY_FAIL]: '1', 'members that gossip sees alive': '4'});
    const told = await glance(page);
    assert.strictEqual(Object.keys(told).length, 7, JSON.stringify(told));
    assert.match(told['resident memory of this process'], /^[\d.]+ MB$/);
    for (const name of ['keys on this node', 'clients of this node']) assert.match(told[name], /^[\d,]+$/, name);
    await until('keys are counted', async () => Number((await glance(page))['keys on this node']) > 0);
  });

  await t.test('commands are drawn as they come', async () => {
    await until('a line of SET', async () => (await page.$$eval('figure', (all) => all.map((figure) => figure.textContent)))
      .some((text) => /SET, until it was answered.*p50 [\d.]+ [µm]?s/.test(text)));
    await until('it is more than a dot', () => page.$$eval('figure .line', (lines) => lines.some((line) => line.getTotalLength() > 0)));
    const plots = await page.$$eval('svg[role=img]', (all) => all.map((svg) => [svg.querySelector('title').textContent, svg.querySelector('desc').textContent]));
    assert.strictEqual(plots.length, 5);
    for (const [title, told] of plots) assert.match(told, /^Now: .+\. Most of the last 5 minutes: .+\.$/, title);
  });

  await t.test('what a member is called is text', async () => {
    await until('it is in the table', async () => (await rowsOf(page, '#members')).some(([name]) => name === HOSTILE));
    assert.strictEqual(await page.$$eval('img', (all) => all.length), 0);
    assert.doesNotMatch(await page.title(), /hit/);
    // And if a way were found, the browser would not go it.
    const thrown = await page.evaluate(() => {
      try {
        document.body.insertAdjacentHTML('beforeend', '<b id="breach"></b>');
        return null;
      } catch (error) {
        return error.name;
      }
    });
    assert.deepStrictEqual([thrown, await page.$('#breach')], ['TypeError', null]);
    assert.match(wrong.splice(0).join(), /^console: This document requires 'TrustedHTML' assignment/, 'and nothing else was wrong');
  });

  await t.test('the risk of async is told as INFO tells it', async () => {
    assert.match(await textOf(page, '#durability'), /^durability sync: .*The risk: none/);
    assert.strictEqual(await first.ask('CONFIG', 'SET', 'durability', 'async', 'durability-async-ms', 25), 'OK');
    const [, risk] = /durability_risk:(.*)\r\n/.exec(await first.ask('INFO', 'persistence'));
    await until('the page tells it', async () => await textOf(page, '#durability') === `durability async, durability-async-ms 25: ${risk}.`);
    assert.ok(await page.$('#durability.risky'));
    const help = await run(program, ['server', '--help']);
    assert.ok(help.stdout.replace(/\s+/g, ' ').includes(risk), 'the help tells the same');
    assert.strictEqual(await first.ask('CONFIG', 'SET', 'durability', 'sync'), 'OK');
    await shows(page, '#durability', /^durability sync/);
  });

  await t.test('that a client asks to be async is told while it does', async () => {
    await until('nothing was for a while', async () => await page.$('#durability.risky') === null);
    await until('the page tells it', async () => {
      for (let i = 0; i < 20; i++) assert.strictEqual(await first.ask('TROTHDB', 'WITH', 'async', 'SET', '{a}async', i), 'OK');
      return /^durability sync: .* asks to be async, as some do just now\.$/.test(await textOf(page, '#durability'));
    });
    assert.ok(await page.$('#durability.risky'));
  });

  await t.test('narrow and dark it is whole', async () => {
    for (const colorScheme of ['light', 'dark']) {
      for (const width of [400, 1280]) {
        await page.emulateMedia({colorScheme});
        await page.setViewportSize({width, height: 900});
        const seen = await page.evaluate(() => ({width: document.documentElement.scrollWidth, ground: getComputedStyle(document.body).backgroundColor}));
        assert.ok(seen.width <= width, `${seen.width} of ${width} pixels wide`);
        assert.strictEqual(Number(/\d+/.exec(seen.ground)[0]) < 128, colorScheme === 'dark', `the ground is ${seen.ground}`);
      }
    }
  });

  await t.test('by the keyboard everything is reached, and each thing has a name', async () => {
    await page.evaluate(() => { document.activeElement.blur(); window.scrollTo(0, 0); });
    const reached = [];
    for (let i = 0; i < 14; i++) {
      await page.keyboard.press('Tab');
      reached.push(await page.evaluate(() => document.activeElement.getAttribute('aria-label') || document.activeElement.textContent.trim()));
    }
    for (const name of [/^Skip/, /^Nodes$/, /^Shards$/, /^Members without data$/, /^\/metrics$/]) assert.ok(reached.some((text) => name.test(text)), `${name} among ${reached}`);
    const nameless = await page.$$eval('section', (all) => all.filter((section) => !document.getElementById(section.getAttribute('aria-labelledby'))).length);
    assert.strictEqual(nameless, 0);
    assert.strictEqual(await page.getAttribute('#verdict', 'role'), 'status');
  });
  assert.deepStrictEqual(wrong, [], 'it asks nobody else, and says nothing on the console');

  await t.test('one node is killed', async () => {
    await cluster.wake();
    await third.kill();
    await until('it turns dead', async () => (await rowsOf(page, '#nodes')).some(([name, , state]) => name === `${lost}` && state.startsWith('dead')));
    await shows(page, '#problems', new RegExp(`Node ${lost} \\(${third.address}\\) has been dead for \\d+ s: it answers nobody\\.`));
    await until('no other may fail', async () => (await rowsOf(page, '#shards')).every(([, , leader, on, mayFail]) =>
      /^[123]$/.test(leader) && leader !== `${lost}` && on.includes(`${lost} (missing)`) && mayFail === '0'));
    await glances(page, {'nodes live': '2 of 3', 'shards with a leader': '4 of 4', [MAY_FAIL]: '0', 'members that gossip sees alive': '3'});
    await shows(page, '#verdict', /^1 thing is wrong$/);
    assert.ok((await page.title()).startsWith(`1 thing is wrong · TrothDB: node ${own}`), await page.title());
  });

  await t.test('a second one is killed, then the one that is looked at', async () => {
    await second.kill();
    await shows(page, '#problems', /^The control shard and shards 1–4 have no majority: 1 of 3 replicas lives\./);
    await glances(page, {'nodes live': '1 of 3', 'shards with a leader': '0 of 4', [MAY_FAIL]: 'none'});
    assert.deepStrictEqual(wrong, []);
    await first.kill();
    await shows(page, '#problems', /^This node has not answered for \d+ s\. What stands below is as it was then\.$/);
    assert.strictEqual((await rowsOf(page, '#nodes')).length, 3, 'what was known last stays');
    await first.start();
    await shows(page, '#problems', /no majority/);
  });
});

test('the console of an agent shows its members', async (t) => {
  const browser = await browse(t);
  if (!browser) return;
  const cluster = await startNodes(t);
  const agent = await startAgent(cluster, 'scout', cluster.nodes[0]);
  const {page, wrong} = await open(browser, agent, {viewport: {width: 400, height: 800}});
  await shows(page, '#title', /^TrothDB: agent scout$/);
  await until('both members are there', async () => (await rowsOf(page, '#members')).length === 2);
  for (const selector of ['#nodes-section', '#shards-section', '#durability']) assert.strictEqual(await page.isVisible(selector), false, selector);
  assert.deepStrictEqual(await page.$$eval('figcaption', (all) => all.map((one) => one.textContent)), ['News by gossip, until it was here']);
  assert.deepStrictEqual(wrong, []);
});
