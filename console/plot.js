// A small plot of one or two lines over the last minutes, in SVG.
import { make } from './page.js'

const WIDTH = 320
const HEIGHT = 110
const LEFT = 52
const RIGHT = 8
const TOP = 8
const BOTTOM = 20
const GAP = 3 // a line breaks where so many intervals have no point

// The least of 1, 2, 5 times a power of ten that is not below.
export function ceiling(value) {
  const power = 10 ** Math.floor(Math.log10(value))
  const step = [1, 2, 5, 10].find((factor) => factor * power >= value * (1 - 1e-9))
  return step * power
}

// The path of points [time, value or null], broken where there is nothing for a while.
export function path(points, x, y, interval) {
  let isBroken = true
  let before = -Infinity
  return points.map(([at, value]) => {
    isBroken = isBroken || at - before > GAP * interval
    before = at
    if (value === null) {
      isBroken = true
      return ''
    }
    const [first, last] = isBroken ? ['M', 'h0'] : ['L', ''] // one that stands alone is a dot
    isBroken = false
    return `${first}${x(at).toFixed(1)} ${y(value).toFixed(1)}${last}`
  }).join('')
}

export class Plot {
  // `format` makes a text of a value; `names` of the lines, at most two.
  constructor(title, names, format, { span, interval, nothing }) {
    Object.assign(this, { title, names, format, span, interval, nothing, points: [] })
    this.lines = names.map((_, at) => make('path', { class: at ? 'line second' : 'line' }))
    this.high = make('text', { x: LEFT - 6, y: TOP + 8, 'text-anchor': 'end' })
    this.told = make('desc')
    this.keys = names.map((_, at) => make('span', { class: at ? 'second' : 'first' }))
    const bottom = HEIGHT - BOTTOM
    this.svg = make('svg', { class: 'plot', viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: 'img' }, make('title', {}, title), this.told,
      ...[TOP, (TOP + bottom) / 2, bottom].map((y) => make('line', { class: 'grid', x1: LEFT, x2: WIDTH - RIGHT, y1: y, y2: y })),
      this.high, make('text', { x: LEFT - 6, y: bottom, 'text-anchor': 'end' }, '0'),
      make('text', { x: LEFT, y: HEIGHT - 5 }, `${span / 60000} min ago`),
      make('text', { x: WIDTH - RIGHT, y: HEIGHT - 5, 'text-anchor': 'end' }, 'now'), ...this.lines)
    this.element = make('figure', {}, make('figcaption', {}, title), this.svg, make('div', { class: 'key' }, ...this.keys))
  }

  // One value for each line; null: there is none.
  add(at, values) {
    this.points = [...this.points.filter(([then]) => then >= at - this.span), [at, ...values]]
    const known = this.points.flatMap(([, ...all]) => all.filter((value) => value !== null))
    const most = known.length > 0 ? Math.max(...known) : 0
    const high = most > 0 ? ceiling(most) : 1
    const x = (then) => LEFT + (1 - (at - then) / this.span) * (WIDTH - LEFT - RIGHT)
    const y = (value) => HEIGHT - BOTTOM - value / high * (HEIGHT - BOTTOM - TOP)
    this.lines.forEach((line, i) => line.setAttribute('d', path(this.points.map((point) => [point[0], point[i + 1]]), x, y, this.interval)))
    this.high.textContent = most > 0 ? this.format(high) : ''
    this.tell(values, most)
  }

  tell(values, most) {
    const isSilent = values.every((value) => value === null)
    this.keys.forEach((key, i) => { key.textContent = isSilent && i === 0 ? this.nothing : `${this.names[i]} ${this.format(values[i])}` })
    this.keys.forEach((key, i) => { key.hidden = isSilent && i > 0 })
    const now = isSilent ? this.nothing : this.names.map((name, i) => `${name} ${this.format(values[i])}`).join(', ')
    this.told.textContent = `Now: ${now}. Most of the last ${this.span / 60000} minutes: ${most > 0 ? this.format(most) : 'nothing yet'}.`
  }
}
