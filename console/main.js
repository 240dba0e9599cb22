// The console: asks the node that it came from how things stand, every two seconds, and shows it.
import { consoleOf, isLive, understand } from './facts.js'
import { count, duration, rate, size, some, time } from './figures.js'
import { History, perSecond, quantile, read } from './metrics.js'
import { Table, make, setChildren, setText } from './page.js'
import { Plot } from './plot.js'
import { problemsOf } from './problems.js'

const INTERVAL_MS = 2000
const TIMEOUT_MS = 7000 // the node itself gives up after 5 s
const SPAN_MS = 5 * 60000
const RATE_WINDOW_MS = 2000
const WINDOW_MS = 10000 // percentiles of what clients do
const NEWS_WINDOW_MS = 60000 // of gossip, in which little may happen
const FORMAT = 1 // of /status

const $ = (id) => document.getElementById(id)
const history = new History(NEWS_WINDOW_MS + INTERVAL_MS * 5)
const seen = { status: null, facts: null, at: null } // the last that was told

// ---- plots ----

const options = { span: SPAN_MS, interval: INTERVAL_MS }
const percentiles = ['p50', 'p99']
const plots = {
  commands: new Plot('Commands a second', ['now'], rate, { ...options, nothing: 'nothing counted yet' }),
  set: new Plot('SET, until it was answered', percentiles, time, { ...options, nothing: 'no SET in the last 10 s' }),
  get: new Plot('GET, until it was answered', percentiles, time, { ...options, nothing: 'no GET in the last 10 s' }),
  sync: new Plot('Sync of the log to disk', percentiles, time, { ...options, nothing: 'no sync in the last 10 s' }),
  news: new Plot('News by gossip, until it was here', percentiles, time, { ...options, nothing: 'no news in the last minute' })
}
const ofAgents = ['news']

function drawPlots(isAgent) {
  const { last } = history
  const shown = isAgent ? ofAgents : Object.keys(plots)
  setChildren($('plots'), shown.map((key) => ({ key })), ({ key }) => plots[key].element, () => {})
  const recent = history.before(RATE_WINDOW_MS * 0.9) // timers come a little early, too
  plots.commands.add(last.at, [recent ? perSecond(recent, last, 'commands') : null])
  for (const [name, length] of [['set', WINDOW_MS], ['get', WINDOW_MS], ['sync', WINDOW_MS], ['news', NEWS_WINDOW_MS]]) {
    const before = history.before(length) || history.all[0]
    plots[name].add(last.at, [0.5, 0.99].map((share) => quantile(before, last, name, share)))
  }
}

// ---- tables ----

const nodes = new Table('Nodes', ['node', 'clients at', 'state', ['shards led'], ['replicas'], ['round trip'], 'version', 'zone', 'would rather not lead'])
const shards = new Table('Shards', ['shard', 'slots', 'leader', 'replicas on', ['may still fail'], 'entries that followers lack'])
const members = new Table('Members without data', ['member', 'kind', 'gossip at', 'state', 'zone', ['round trip'], 'version'])

const look = (state) => (state === 'alive' ? 'good' : state === 'suspect' || state === 'joining' || state === 'left' ? 'warn' : 'bad')
const stateCell = (state, ms) => ({ text: ms === null ? state : `${state}, ${duration(ms)}`, look: `${look(state)} short` })
const roundTrip = (us) => (us > 0 ? time(us / 1e6) : '–')

function nodeRow(node) {
  const label = `${node.number}${node.name && node.name !== node.client ? ` ${node.name}` : ''}`
  const name = node.isSelf ? { text: `${label} (this one)`, look: 'name' } : { text: label, look: 'name', href: consoleOf(node.admin) }
  return { key: String(node.number), cells: [name, { text: node.client, look: 'short' }, stateCell(node.state, node.stateMs), count(node.leads), count(node.hosts),
    node.isSelf ? '–' : roundTrip(node.roundTripUs), node.version, node.zone, { text: node.standing.join(', '), look: node.standing.length ? 'warn' : '' }] }
}

function lackCell(shard, byNumber) {
  if (shard.followers) {
    const behind = shard.followers.filter((follower) => follower.lag_entries > 0)
    if (behind.length === 0) return shard.followers.length > 0 ? { text: 'none', look: 'good short' } : '–'
    return behind.map((follower) => `node ${follower.node}: ${count(follower.lag_entries)}${follower.is_learner ? ' (learning)' : ''}`).join(', ')
  }
  const leader = byNumber.get(shard.leader)
  return leader && isLive(leader.state) ? { text: `node ${leader.number} tells`, look: 'short', href: consoleOf(leader.admin) } : '–'
}

function shardRow(shard, byNumber) {
  const isLost = shard.mayFail < 0
  const on = `${shard.replicas.map((number) => (isLive(byNumber.get(number)?.state) ? `${number}` : `${number} (missing)`)).join(', ')}${shard.isChanging ? ', changing' : ''}`
  return { key: String(shard.number), cells: [shard.number === 0 ? 'control' : String(shard.number), shard.number === 0 ? 'the topology' : shard.slots,
    shard.leader === null ? { text: 'none', look: 'bad' } : String(shard.leader), on,
    { text: isLost ? 'no majority' : count(shard.mayFail), look: isLost ? 'bad' : shard.mayFail === 0 && shard.live < shard.voters.length ? 'warn' : '' }, lackCell(shard, byNumber)] }
}

// A node that is none of this cluster's is a spare, or another's.
const kindOf = (member) => member.kind !== 'node' ? member.kind : member.cluster ? 'node of another cluster' : 'spare'

function memberRow(member) {
  const name = member.self ? { text: `${member.name} (this one)`, look: 'name' } : { text: member.name, look: 'name', href: consoleOf(member.admin) }
  return { key: member.id, cells: [name, kindOf(member), { text: member.address, look: 'short' }, stateCell(member.state, member.state_ms), member.zone,
    member.self ? '–' : roundTrip(member.round_trip_us), member.version] }
}

function showTables(facts) {
  const byNumber = new Map(facts.nodes.map((node) => [node.number, node]))
  const isTroubled = (shard) => shard.mayFail < 0 || shard.leader === null
  nodes.set(facts.nodes.map(nodeRow))
  shards.set([...facts.shards.filter(isTroubled), ...facts.shards.filter((shard) => !isTroubled(shard))].map((shard) => shardRow(shard, byNumber)))
  members.set(facts.others.map(memberRow))
  $('nodes-section').hidden = facts.nodes.length === 0
  $('shards-section').hidden = facts.shards.length === 0
  $('members-section').hidden = facts.others.length === 0
  setText($('members-title'), facts.leftOut > 0 ? `Members without data, and ${count(facts.leftOut)} more` : 'Members without data')
}

// ---- at a glance ----

function cardsOf(facts, { gauges }) {
  const live = facts.nodes.filter((node) => isLive(node.state)).length
  const data = facts.shards.filter((shard) => shard.number !== 0)
  const ofCluster = facts.kind !== 'node' ? [] : [
    ['nodes live', `${count(live)} of ${count(facts.nodes.length)}`],
    ['shards with a leader', `${count(data.filter((shard) => shard.leader !== null && shard.mayFail >= 0).length)} of ${count(data.length)}`],
    ['nodes may still fail before a shard cannot write', facts.mayFail < 0 ? 'none' : count(facts.mayFail)],
    ['keys on this node', count(gauges.keys)],
    ['clients of this node', count(gauges.clients)]]
  return [...ofCluster, ['members that gossip sees alive', count(facts.counts.alive)], ['resident memory of this process', size(gauges.memory)]]
}

function showGlance(facts, sample) {
  setChildren($('cards'), cardsOf(facts, sample).map(([key, value]) => ({ key, value })), ({ key }) => make('div', {}, make('dt', {}, key), make('dd')),
    (card, { value }) => setText(card.lastElementChild, value))
  const { durability } = facts
  const recent = history.before(WINDOW_MS)
  const isRisky = Boolean(durability) && (durability.mode === 'async' || Boolean(recent && perSecond(recent, sample, 'asyncReplies')))
  $('durability').hidden = !durability
  $('durability').classList.toggle('risky', isRisky)
  if (!durability) return
  setText($('durability-name'), durability.mode === 'async' ? `durability async, durability-async-ms ${durability.async_ms}:` : 'durability sync:')
  setText($('durability-risk'), durability.mode === 'async' ? `${durability.risk}.`
    : `a write is answered once a majority has it on disk. The risk: ${durability.risk}${isRisky ? ', as some do just now' : ''}.`)
}

// ---- the head ----

function showProblems(problems) {
  const worst = problems.some(({ level }) => level === 'bad') ? 'bad' : problems.length > 0 ? 'warn' : ''
  const verdict = problems.length > 0 ? `${some(problems.length, 'thing is', 'things are')} wrong` : 'All is well'
  setChildren($('problems'), problems.length > 0 ? problems : [{ key: '', level: 'none', text: 'Nothing.' }],
    () => make('li'), (item, { level, text }) => { item.className = level; setText(item, text) })
  $('verdict').className = `verdict ${worst}`.trim()
  setText($('verdict'), verdict)
  document.title = `${verdict} · ${$('title').textContent}`
}

function showTitle(facts) {
  const { self, kind } = facts
  const own = facts.nodes.find((node) => node.isSelf)
  const who = kind === 'agent' ? 'agent' : kind === 'spare' ? 'spare' : `node ${own ? own.number : ''}`.trim()
  setText($('title'), `TrothDB: ${who}${self && self.name ? ` ${self.name}` : ''}`)
  const where = kind === 'agent' ? 'An agent: a member without data, which knows of the others by gossip'
    : kind === 'spare' ? 'A spare: it belongs to no cluster yet' : `Cluster ${facts.clusterId}`
  setText($('about'), `${where}. Version ${facts.version}.`)
}

// ---- the round ----

async function ask(path) {
  const answer = await fetch(path, { cache: 'no-store', signal: AbortSignal.timeout(TIMEOUT_MS) })
  if (!answer.ok) throw new Error(`/${path}: ${(await answer.text()).trim() || answer.status}`)
  return answer
}

async function askAll() {
  const [status, text] = await Promise.all([ask('status').then((answer) => answer.json()), ask('metrics').then((answer) => answer.text())])
  if (status.format !== FORMAT) throw new Error('it is of another release than this page: load the page again')
  return { status, sample: read(text, Date.now()) }
}

function show({ status, sample }) {
  const facts = understand(status)
  history.add(sample)
  Object.assign(seen, { status, facts, at: sample.at })
  document.body.classList.remove('stale')
  showTitle(facts)
  showProblems(problemsOf(facts, sample.gauges, status.members))
  showGlance(facts, sample)
  showTables(facts)
  drawPlots(facts.kind === 'agent')
}

// What is shown stays, marked as old: it is the last that is known.
function showSilence(error) {
  const { at } = seen
  const ago = at === null ? 'This node has not answered yet' : `This node has not answered for ${duration(Date.now() - at)}. What stands below is as it was then`
  const why = error.name === 'TypeError' || error.name === 'TimeoutError' ? '' : ` (${error.message})`
  document.body.classList.add('stale')
  showProblems([{ level: 'bad', key: 'silence', text: `${ago}${why}.` }])
}

async function round() {
  if (!document.hidden) await askAll().then(show, showSilence)
  setTimeout(round, INTERVAL_MS)
}

for (const table of [[nodes, 'nodes'], [shards, 'shards'], [members, 'members']]) $(table[1]).append(table[0].element)
round()
