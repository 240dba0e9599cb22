// A connection to a TrothDB agent that hears every change of gossip (RESP3, GOSSIP WATCH).
'use strict'
const net = require('net')

// One value of RESP3 at `at`, or null where it is not whole yet.
function parse(text, at) {
  const end = text.indexOf('\r\n', at)
  if (end < 0) return null
  const kind = text[at], head = text.slice(at + 1, end), next = end + 2
  if ('+-:_#,('.includes(kind)) return { kind, value: kind === ':' ? Number(head) : kind === '_' ? null : head, next }
  const length = Number(head)
  if ('$='.includes(kind)) {
    if (length < 0) return { kind, value: null, next }
    return text.length < next + length + 2 ? null : { kind, value: text.slice(next, next + length), next: next + length + 2 }
  }
  const value = []
  let from = next
  for (let i = 0; i < length * (kind === '%' ? 2 : 1); i++) {
    const one = parse(text, from)
    if (!one) return null
    value.push(one.value)
    from = one.next
  }
  return { kind, value, next: from }
}

class Watch {
  // `onEvent` is called with what a push holds behind "gossip": event, name, id, and the rest.
  static async open(port, onEvent) {
    const watch = new Watch()
    watch.held = ''
    watch.waiting = []
    watch.onEvent = onEvent
    watch.socket = net.connect(port, '127.0.0.1')
    await new Promise((resolve, reject) => watch.socket.once('connect', resolve).once('error', reject))
    watch.socket.on('error', () => {})
    watch.socket.on('close', () => watch.waiting.splice(0).forEach(({ reject }) => reject(new Error('the agent closed the connection'))))
    watch.socket.on('data', (chunk) => watch.take(chunk))
    await watch.ask('HELLO', '3')
    await watch.ask('GOSSIP', 'WATCH')
    return watch
  }
  take(chunk) {
    this.held += chunk.toString('latin1')
    let at = 0
    for (let one; (one = parse(this.held, at)); at = one.next) {
      if (one.kind === '>') this.onEvent(one.value.slice(1))
      else if (one.kind === '-') this.waiting.shift().reject(new Error(`the agent answers: ${one.value}`))
      else this.waiting.shift().resolve(one.value)
    }
    this.held = this.held.slice(at)
  }
  ask(...words) {
    this.socket.write(`*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`)
    return new Promise((resolve, reject) => this.waiting.push({ resolve, reject }))
  }
  close() { this.socket.destroy() }
}

module.exports = { Watch }
