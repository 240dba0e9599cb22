// Clusters of agents, TrothDB's and Serf's, behind the same few functions: what an agent sees is one event whichever it is.
//
//   cluster.agents[i]   { name, pid, kill(), setTag(value), isDown }
//   cluster.onSeen      called with (viewer, event, name, value, milliseconds): "alive", "suspect", "dead", "tag"
'use strict'
const path = require('path')
const { launch, end, isFree, sleep } = require('./systems')
const { SerfRpc } = require('./serf_rpc')
const { Watch } = require('./watch')

const START_MS = 120000
const STARTS_AT_ONCE = 10
const TAG = 'bench'

// `count` ports from the result on, and as many 2000 and 10000 higher.
async function findPorts(count) {
  for (let attempt = 0; attempt < 100; attempt++) {
    const base = 10300 + 10 * Math.floor(Math.random() * 900)
    const wanted = Array.from({ length: count }, (_, i) => [base + i, base + i + 2000, base + i + 10000]).flat()
    if ((await Promise.all(wanted.map(isFree))).every(Boolean)) return base
  }
  throw new Error(`no ${count} free ports in a row between 10300 and 30000`)
}

async function connected(open, what) {
  const deadline = Date.now() + START_MS
  for (;;) {
    try { return await open() } catch (error) {
      if (Date.now() > deadline) throw new Error(`${what} did not start: ${error.message}`)
      await sleep(50)
    }
  }
}

class Cluster {
  constructor(name, count) {
    this.name = name
    this.count = count
    this.agents = []
    this.views = Array.from({ length: count }, () => new Map()) // of each: name -> "alive", "suspect", "dead"
    this.onSeen = () => {}
  }
  see(viewer, event, name, value) {
    if (event !== 'tag') this.views[viewer].set(name, event)
    this.onSeen(viewer, event, name, value, performance.now())
  }
  async start(startOne) {
    for (let i = 0; i < this.count; i += STARTS_AT_ONCE) {
      const some = Array.from({ length: Math.min(STARTS_AT_ONCE, this.count - i) }, (_, k) => startOne(i + k))
      this.agents.push(...await Promise.all(some))
    }
    await this.untilWhole()
  }
  living() { return this.agents.map((_, i) => i).filter((i) => !this.agents[i].isDown) }
  isWhole() { return this.living().every((viewer) => this.living().every((i) => i === viewer || this.views[viewer].get(this.agents[i].name) === 'alive')) }
  async untilWhole() {
    const deadline = Date.now() + START_MS
    while (!this.isWhole()) {
      if (Date.now() > deadline) throw new Error(`${this.name}: not all ${this.count} agents see each other after ${START_MS / 1000} s`)
      await sleep(50)
    }
  }
  control(child, name, rest) {
    const agent = { name, child, pid: child.pid, isDown: false, ...rest }
    agent.kill = () => { agent.isDown = true; agent.close(); child.kill('SIGKILL') }
    return agent
  }
  async end() {
    for (const agent of this.agents) agent.close()
    await Promise.all(this.agents.map((agent) => end(agent.child, 'SIGKILL')))
  }
}

// ---- TrothDB ----

async function startTrothdb({ build, directory, count }) {
  const cluster = new Cluster('trothdb', count), base = await findPorts(count)
  const states = { alive: 'alive', joined: 'alive', joining: 'alive', suspect: 'suspect', dead: 'dead', left: 'dead' }
  const field = (member, name) => member[member.indexOf(name) + 1]
  await cluster.start(async (i) => {
    const name = `a${i + 1}`
    const child = launch(path.join(build, 'trothdb'), ['agent', '--name', name, '--port', String(base + i), '--peer-port', String(base + i + 10000),
      '--admin-port', String(base + i + 2000), '--loglevel', 'warn', ...(i > 0 ? ['--join', `127.0.0.1:${base + 10000}`] : [])], directory, name)
    const watch = await connected(() => Watch.open(base + i, ([event, who, , key, value]) => {
      if (event === 'key') { if (key === TAG) cluster.see(i, 'tag', who, value) } else if (states[event]) cluster.see(i, states[event], who)
    }), name)
    for (const member of await watch.ask('GOSSIP', 'MEMBERS')) cluster.see(i, states[field(member, 'state')], field(member, 'name'))
    return cluster.control(child, name, { setTag: (value) => watch.ask('GOSSIP', 'SET', TAG, value), close: () => watch.close() })
  })
  return cluster
}

// ---- Serf ----

// What an agent says in its log as soon as it knows. Whom it suspects it says, but not who has refuted.
async function startSerf({ directory, count }) {
  const cluster = new Cluster('serf', count), base = await findPorts(count)
  const states = { Join: 'alive', Failed: 'dead', Leave: 'dead' }
  let tag // as it was set last: one is known to all before the next is set
  await cluster.start(async (i) => {
    const name = `s${i + 1}`
    const child = launch('serf', ['agent', `-node=${name}`, `-bind=127.0.0.1:${base + i + 10000}`, `-rpc-addr=127.0.0.1:${base + i}`, '-log-level=err',
      ...(i > 0 ? [`-retry-join=127.0.0.1:${base + 10000}`, '-retry-interval=1s'] : [])], directory, name)
    const rpc = await connected(() => SerfRpc.open(base + i, (line) => {
      const [, event, who] = /serf: EventMember(\w+): (\S+)/.exec(line) ?? []
      const [, accused] = /memberlist: Suspect (\S+) has failed/.exec(line) ?? []
      if (event === 'Update') cluster.see(i, 'tag', who, tag)
      else if (states[event]) cluster.see(i, states[event], who)
      if (accused) cluster.onSeen(i, 'suspect', accused)
    }), name)
    await rpc.watch()
    for (const member of (await rpc.members()).Members) cluster.see(i, member.Status === 'alive' ? 'alive' : 'dead', member.Name)
    return cluster.control(child, name, { setTag: (value) => { tag = value; return rpc.setTag(TAG, value) }, close: () => rpc.close() })
  })
  return cluster
}

module.exports = { startTrothdb, startSerf }
