// Prometheus text, and what follows from two of them: how many a second, how long half and 99 of 100 took. Pure.

const SAMPLE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)/
const LABEL = /(\w+)="((?:[^"\\]|\\.)*)"/g

// Name -> [{labels, value}], of these names alone.
export function parse(text, names) {
  const found = new Map([...names].map((name) => [name, []]))
  for (const line of text.split('\n')) {
    if (line[0] === '#') continue
    const sample = SAMPLE.exec(line)
    if (!sample || !found.has(sample[1])) continue
    const labels = Object.fromEntries([...(sample[2] || '').matchAll(LABEL)].map(([, name, value]) => [name, value]))
    found.get(sample[1]).push({ labels, value: sample[3] === '+Inf' ? Infinity : Number(sample[3]) })
  }
  return found
}

const COUNTERS = { commands: 'trothdb_commands_total', asyncReplies: 'trothdb_async_replies_total' }
const GAUGES = {
  clients: 'trothdb_clients_connected', keys: 'trothdb_keys', memory: 'trothdb_resident_memory_bytes',
  repairing: 'trothdb_replicas_in_repair', health: 'trothdb_gossip_local_health', isDiskFull: 'trothdb_disk_is_full',
  memoryUsed: 'trothdb_memory_bytes', memoryLimit: 'trothdb_memory_limit_bytes'
}
const HISTOGRAMS = {
  set: ['trothdb_command_latency_seconds', { command: 'set' }], get: ['trothdb_command_latency_seconds', { command: 'get' }],
  sync: ['trothdb_wal_sync_seconds', {}], news: ['trothdb_gossip_propagation_latency_seconds', {}]
}
const NAMES = new Set([...Object.values(COUNTERS), ...Object.values(GAUGES), ...Object.values(HISTOGRAMS).map(([name]) => `${name}_bucket`)])

const sum = (samples) => samples.reduce((total, { value }) => total + value, 0)
const mapValues = (object, of) => Object.fromEntries(Object.entries(object).map(([key, value]) => [key, of(value)]))

// [[upper bound, how many up to it]], ascending, of all series with these labels together; empty: nobody has counted yet.
function buckets(samples, wanted) {
  const totals = new Map()
  for (const { labels, value } of samples) {
    if (Object.entries(wanted).some(([name, text]) => labels[name] !== text)) continue
    const upper = labels.le === '+Inf' ? Infinity : Number(labels.le)
    totals.set(upper, (totals.get(upper) || 0) + value)
  }
  return [...totals].sort(([a], [b]) => a - b)
}

// What the console wants of a text of /metrics that was asked for at `at` (milliseconds).
export function read(text, at) {
  const found = parse(text, NAMES)
  return {
    at,
    counters: mapValues(COUNTERS, (name) => sum(found.get(name))),
    gauges: mapValues(GAUGES, (name) => sum(found.get(name))),
    histograms: mapValues(HISTOGRAMS, ([name, labels]) => buckets(found.get(`${name}_bucket`), labels))
  }
}

// How many a second between two; null if the counter began anew.
export function perSecond(before, after, counter) {
  const more = after.counters[counter] - before.counters[counter]
  const seconds = (after.at - before.at) / 1000
  return more < 0 || seconds <= 0 ? null : more / seconds
}

// In seconds, by linear interpolation in its bucket as Prometheus does it, the first of which begins at 0; in the last, which
// has no end, where that begins. null if nothing was counted between the two, or the counting began anew.
export function quantile(before, after, histogram, share) {
  const then = new Map(before.histograms[histogram])
  const added = after.histograms[histogram].map(([upper, total]) => [upper, total - (then.get(upper) || 0)])
  const all = added.length > 0 ? added[added.length - 1][1] : 0
  if (all <= 0 || added.some(([, more]) => more < 0)) return null
  let [lower, below] = [0, 0]
  for (const [upper, upTo] of added) {
    if (upTo >= share * all) return upper === Infinity ? lower : lower + (upper - lower) * (share * all - below) / (upTo - below || 1)
    lower = upper
    below = upTo
  }
  return lower
}

// The texts of the last `length` milliseconds, oldest first.
export class History {
  constructor(length) {
    this.length = length
    this.all = []
  }

  add(sample) {
    this.all = [...this.all.filter(({ at }) => at >= sample.at - this.length), sample]
  }

  get last() { return this.all[this.all.length - 1] }

  // The newest that is at least so old, seen from the last one; null: not so long ago.
  before(milliseconds) {
    const limit = this.last.at - milliseconds
    return this.all.reduce((found, sample) => (sample.at <= limit ? sample : found), null)
  }
}
