// Elements of the page. Texts are put in as texts, never as markup: what a member is called is a stranger's word.

const DRAWN = new Set(['svg', 'path', 'line', 'text', 'title', 'desc'])
const ROWS_AT_FIRST = 100

export function make(name, attributes = {}, ...children) {
  const element = DRAWN.has(name) ? document.createElementNS('http://www.w3.org/2000/svg', name) : document.createElement(name)
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value)
  element.append(...children)
  return element
}

// What has not changed is left alone, so that neither a selection nor a screen reader is disturbed.
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text
}

function setClass(element, name) {
  if (element.className !== name) element.className = name
}

// The children of an element are made to be one for each key, in order, and kept where they were there before.
export function setChildren(parent, items, create, update) {
  const before = new Map([...parent.children].map((child) => [child.dataset.key, child]))
  let place = parent.firstElementChild
  for (const item of items) {
    let child = before.get(item.key)
    before.delete(item.key)
    if (!child) {
      child = create(item)
      child.dataset.key = item.key
    }
    if (child === place) place = place.nextElementSibling
    else parent.insertBefore(child, place)
    update(child, item)
  }
  for (const child of before.values()) child.remove()
}

// A cell is a text, or {text, look, href}; `look` is a class: good, bad, warn, name, short.
function setCell(cell, content, isNumber) {
  const { text, look = '', href = null } = typeof content === 'object' ? content : { text: content }
  setClass(cell, `${isNumber ? 'number ' : ''}${look}`.trim())
  const link = cell.firstElementChild
  if (!href) {
    if (link) link.remove()
    setText(cell, text)
    return
  }
  if (!link) cell.replaceChildren(make('a'))
  if (cell.firstElementChild.getAttribute('href') !== href) cell.firstElementChild.setAttribute('href', href)
  setText(cell.firstElementChild, text)
}

// A table whose rows come and go. Past a hundred the others are shown when asked for.
export class Table {
  // `heads`: names of columns, of numbers where they stand in brackets.
  constructor(label, heads) {
    this.isNumber = heads.map(Array.isArray)
    this.isWhole = false
    this.body = make('tbody')
    this.more = make('button', { type: 'button', hidden: '' })
    this.more.addEventListener('click', () => {
      this.isWhole = true
      this.set(this.rows)
    })
    // What is wider than the screen is scrolled, by the keyboard too.
    this.element = make('div', {}, make('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': label },
      make('table', {}, make('thead', {}, make('tr', {}, ...heads.map((head, at) =>
        make('th', { scope: 'col', ...(this.isNumber[at] ? { class: 'number' } : {}) }, String(head))))), this.body)), this.more)
  }

  // [{key, cells}]
  set(rows) {
    this.rows = rows
    const shown = this.isWhole ? rows : rows.slice(0, ROWS_AT_FIRST)
    setChildren(this.body, shown, ({ cells }) => make('tr', {}, ...cells.map(() => make('td'))),
      (row, { cells }) => cells.forEach((cell, at) => setCell(row.children[at], cell, this.isNumber[at])))
    this.more.hidden = shown.length === rows.length
    setText(this.more, `Show all ${rows.length}`)
  }
}
