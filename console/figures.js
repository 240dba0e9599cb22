// Figures as people read them. Pure.

export function time(seconds) {
  if (seconds === null || seconds === undefined) return '–'
  if (seconds === 0) return '0 s'
  if (seconds < 1e-3) return `${Number((seconds * 1e6).toPrecision(3))} µs`
  if (seconds < 1) return `${Number((seconds * 1e3).toPrecision(3))} ms`
  return `${Number(seconds.toPrecision(3))} s`
}

// Since when something is so: "4 s", "3 min", "2 h", "5 d".
export function duration(milliseconds) {
  const seconds = Math.floor(milliseconds / 1000)
  for (const [length, unit] of [[86400, 'd'], [3600, 'h'], [60, 'min']]) {
    if (seconds >= 2 * length) return `${Math.floor(seconds / length)} ${unit}`
  }
  return `${seconds} s`
}

export const count = (number) => number === null || number === undefined ? '–' : number.toLocaleString('en', { maximumFractionDigits: 0 })

export function rate(number) {
  if (number === null || number === undefined) return '–'
  return number > 0 && number < 10 ? number.toFixed(1) : count(number)
}

export function size(bytes) {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  let unit = 0
  for (; bytes >= 1024 && unit + 1 < units.length; unit++) bytes /= 1024
  return `${unit === 0 ? bytes : bytes.toFixed(bytes < 10 ? 1 : 0)} ${units[unit]}`
}

// "1", "1 and 2", "1, 2 and 3".
export function listed(words) {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words[words.length - 1]}`
}

// Numbers in ascending order, neighbours in one: "1, 4–6 and 9".
export function numbers(list) {
  const ranges = []
  for (const number of [...list].sort((a, b) => a - b)) {
    const last = ranges[ranges.length - 1]
    if (last && number === last[1] + 1) last[1] = number
    else ranges.push([number, number])
  }
  return listed(ranges.flatMap(([from, to]) => to - from > 1 ? [`${from}–${to}`] : to > from ? [`${from}`, `${to}`] : [`${from}`]))
}

export const some = (number, one, many = `${one}s`) => `${count(number)} ${number === 1 ? one : many}`
