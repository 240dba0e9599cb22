// tools/check-layers against small trees made for it: each of its rules finds what it is for, and a good tree passes.
'use strict'
const test = require('node:test')
const assert = require('node:assert')
const fs = require('fs')
const os = require('os')
const path = require('path')
const { spawnSync } = require('child_process')

const tool = path.resolve(__dirname, '../../../tools/check-layers')
const layers = 'base : : pure  below\nio : base : the world\ntop : base io : above\n'

// What each folder has at the least: it uses what it may.
const headers = { 'base/a.h': '', 'io/a.h': '#include "base/a.h"\n', 'top/a.h': '#include "base/a.h"\n#include "io/a.h"\n' }

function check(files, text = layers, prepare = () => []) {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'check-layers-'))
  for (const [name, content] of Object.entries({ LAYERS: text, ...headers, ...files })) {
    fs.mkdirSync(path.dirname(path.join(root, 'src', name)), { recursive: true })
    fs.writeFileSync(path.join(root, 'src', name), content)
  }
  const run = spawnSync(process.execPath, [tool, ...prepare(root, files), root], { encoding: 'utf8' })
  fs.rmSync(root, { recursive: true })
  return { status: run.status, said: run.stdout + run.stderr }
}

function refused(files, pattern, text) {
  const { status, said } = check(files, text)
  assert.strictEqual(status, 1, said)
  assert.match(said, pattern)
}

function passed(files) {
  const { status, said } = check(files)
  assert.strictEqual(status, 0, said)
}

test('a good tree passes', () => {
  passed({ 'top/a.c': '#include "top/a.h"\n#include "base/a.h"\n#include "io/a.h"\n#include <time.h>\n' })
})
test('an include from above is refused, with its file and line', () => {
  refused({ 'base/a.c': '#include "base/a.h"\n#include "top/a.h"\n' }, /src\/base\/a\.c:2: base\/ may not use top\//)
})
test('an include that is no full path, or leaves src/, is refused', () => {
  refused({ 'top/a.c': '#include "a.h"\n' }, /"a\.h" is not a full path/)
  refused({ 'top/a.c': '#include "sim/a.h"\n' }, /is in no folder of src\/LAYERS/)
})
test('a circle is refused', () => {
  refused({}, /a circle: base -> io -> base/, 'base : io : below\nio : base : the world\ntop : : above\n')
})
test('a file of a folder with an ORDER includes nothing that comes later', () => {
  const files = { 'io/a.c': '', 'io/b.h': '', 'io/b.c': '#include "io/b.h"\n#include "io/a.h"\n' }
  passed({ ...files, 'io/ORDER': '# who calls whom\na : below\nb : above\n' })
  refused({ ...files, 'io/ORDER': 'b : below\na : above\n' }, /src\/io\/b\.c:2: "io\/a\.h" comes later in src\/io\/ORDER/)
  refused({ ...files, 'io/ORDER': 'b : below\n' }, /src\/io\/a\.c:1: has no line in src\/io\/ORDER/)
  refused({ ...files, 'io/ORDER': 'a : below\nb : above\nc : gone\n' }, /src\/io\/ORDER:3: there is no src\/io\/c\.c/)
  refused({ ...files, 'io/ORDER': 'a below\nb : above\n' }, /src\/io\/ORDER:1: not understood/)
})
test('sim/ is held to sim/LAYERS, and may use what stands in src/', () => {
  const sim = '# of the simulator\nsim/world : io : the world\nsim/run : base sim/world : above\n'
  const files = { '../sim/LAYERS': sim, '../sim/world/a.h': '', '../sim/run/a.h': '' }
  const good = '#include "sim/run/a.h"\n#include "base/a.h"\n#include "sim/world/a.h"\nstatic event_run begin, end;\n'
  passed({ ...files, '../sim/run/a.c': good })
  refused({ ...files, '../sim/world/a.c': '#include "sim/run/a.h"\n' }, /sim\/world\/a\.c:1: sim\/world\/ may not use sim\/run\//)
  refused({ ...files, '../sim/world/a.c': '#include "base/a.h"\n' }, /sim\/world\/a\.c:1: sim\/world\/ may not use base\/.*\n.*sim\/LAYERS allows: io/)
  refused({ ...files, '../sim/world/a.c': '#include "sim/gone/a.h"\n' }, /"sim\/gone\/a\.h" is in no folder of sim\/LAYERS/)
  refused({ ...files, '../sim/run/a.c': 'static int count;\n' }, /sim\/run\/a\.c:1: a global/)
  refused({ ...files, '../sim/new/a.c': '' }, /sim\/new\/a\.c:1: stands in no folder of sim\/LAYERS/)
  refused({ ...files, '../sim/a.c': '' }, /sim\/a\.c:1: stands in no folder of sim\/LAYERS/)
  refused({ ...files, '../sim/LAYERS': `${sim}sim/gone : : nowhere\n` }, /sim\/LAYERS:4: there is no folder sim\/gone/)
  refused({ ...files, '../sim/LAYERS': `${sim}run : : of src, it seems\n` }, /sim\/LAYERS:4: not understood/)
  refused({ ...files, '../sim/LAYERS': sim.replace(': io', ': io sim/run') }, /sim\/LAYERS:2: a circle: sim\/world -> sim\/run -> sim\/world/)
})
test('src/ uses nothing of sim/', () => {
  const files = { '../sim/LAYERS': 'sim/world : : the world\n', '../sim/world/a.h': '' }
  refused({ ...files, 'top/a.c': '#include "sim/world/a.h"\n' }, /src\/top\/a\.c:1: top\/ may not use sim\/world\//)
  refused(files, /src\/LAYERS:3: top may use sim\/world, which has no line here or below/, layers.replace(': base io', ': base io sim/world'))
})
test('a folder of sim/ is held to its ORDER too', () => {
  const files = { '../sim/LAYERS': 'sim/run : : above\n', '../sim/run/a.c': '', '../sim/run/b.h': '', '../sim/run/b.c': '#include "sim/run/b.h"\n#include "sim/run/a.h"\n' }
  passed({ ...files, '../sim/run/ORDER': 'a : below\nb : above\n' })
  refused({ ...files, '../sim/run/ORDER': 'b : below\na : above\n' }, /sim\/run\/b\.c:2: "sim\/run\/a\.h" comes later in sim\/run\/ORDER/)
})
test('a folder without a line is refused', () => {
  refused({ 'new/a.c': '' }, /src\/new\/a\.c:1: stands in no folder/)
})
test('the world is refused in a pure folder and allowed elsewhere', () => {
  for (const line of ['#include <time.h>', '#include <sys/stat.h>', '#include <uv.h>', 'int x(void) { return rand(); }',
    'void x(void) { printf("y"); }', 'void x(FILE *file);']) {
    refused({ 'base/a.c': `${line}\n` }, /src\/base\/a\.c:1: base\/ is pure/)
    refused({ 'base/a.c': `${line}\n` }, /src\/base\/a\.c:1: base\/ has only the doors of io\//, layers.replace('pure ', 'doors'))
    passed({ 'io/a.c': `${line}\n` })
  }
})
test('words in comments, strings, members and longer names are not the world', () => {
  passed({ 'base/a.c': '/* printf( */ const char *t = "time(";\nint y(struct s *s) { return s->time(0) + entry_time(1); }\n' +
    'int z(char *out) { return snprintf(out, 1, ""); }\n' })
})
test('a global is refused', () => {
  refused({ 'io/a.c': 'static int count;\n' }, /src\/io\/a\.c:1: a global/)
  refused({ 'io/a.c': 'void x(void) {\n    static int count = 0;\n}\n' }, /src\/io\/a\.c:2: a global/)
  passed({ 'io/a.c': 'static const int table[] = {1};\nstatic int x(int a);\nstatic inline int y(void) { return 1; }\n' })
})

// ---- what was compiled ----

const compiler = (process.env.CC || 'cc').split(' ')

// Compiles the files as Meson would, and has the objects looked at.
function compile(root, files) {
  const build = path.join(root, 'build')
  fs.mkdirSync(build)
  const sources = Object.keys(files).filter((name) => name.endsWith('.c'))
  const commands = sources.map((name) => {
    const entry = { directory: build, file: path.join('..', 'src', name), output: `${name.replace(/\W/g, '_')}.o` }
    const options = ['-I', path.join(root, 'src'), '-I', root, '-c', entry.file, '-o', entry.output]
    const run = spawnSync(compiler[0], [...compiler.slice(1), ...options], { cwd: build, encoding: 'utf8' })
    assert.strictEqual(run.status, 0, run.stderr)
    return entry
  })
  fs.writeFileSync(path.join(build, 'compile_commands.json'), JSON.stringify(commands))
  return ['--calls', build]
}

function callRefused(files, pattern) {
  passed(files) // by its includes
  const { status, said } = check(files, layers, compile)
  assert.strictEqual(status, 1, said)
  assert.match(said, pattern)
}

function callPassed(files) {
  const { status, said } = check(files, layers, compile)
  assert.strictEqual(status, 0, said)
}

// Two files of one folder, of which a.c takes something from b.c by a header that it may include.
const pair = (use) => ({
  'io/both.h': 'void b_do(void);\nextern const int b_table[];\n',
  'io/a.c': `#include "io/both.h"\nvoid a_do(void);\nvoid a_do(void) { ${use}; }\n`,
  'io/b.c': '#include "io/both.h"\nvoid b_do(void) {}\nconst int b_table[] = {1};\n'
})

test('a call of a file that comes later is refused, whichever header declares it', () => {
  const files = pair('b_do()')
  const later = /src\/io\/a\.c:3: b_do is of src\/io\/b\.c, which comes later in src\/io\/ORDER/
  callRefused({ ...files, 'io/ORDER': 'a : below\nb : above\n' }, later)
  callPassed({ ...files, 'io/ORDER': 'b : below\na : above\n' })
  callPassed(files)
})
test('a function that is handed on, and a table that is read, count like a call', () => {
  const order = { 'io/ORDER': 'a : below\nb : above\n' }
  callRefused({ ...pair('void (*volatile later)(void) = b_do; (void)later'), ...order }, /a\.c:3: b_do is of/)
  callRefused({ ...pair('static const int *volatile first; first = b_table'), ...order }, /a\.c:3: b_table is of/)
})
test('a call that a macro makes is seen too, though no line of the file says it', () => {
  const files = { ...pair('DO(b)'), 'io/ORDER': 'a : below\nb : above\n' }
  files['io/both.h'] += '#define DO(who) who##_do()\n'
  callRefused(files, /src\/io\/a\.c:1: b_do is of/)
})
test('sim/ is held to its LAYERS and ORDER by its calls too, and src/ takes nothing of it', () => {
  const files = { '../sim/LAYERS': 'sim/run : base : above\nsim/world : base : the world\n', '../sim/world/b.h': '#include "base/a.h"\n',
    '../sim/world/b.c': 'void w_do(void);\nvoid w_do(void) {}\n', '../sim/run/b.h': '#include "base/a.h"\n', '../sim/run/b.c': '#include "sim/run/b.h"\nvoid b_do(void);\nvoid b_do(void) {}\n' }
  const caller = (what) => `void ${what}(void);\nvoid a_do(void);\nvoid a_do(void) { ${what}(); }\n`
  const later = /sim\/run\/a\.c:1: b_do is of sim\/run\/b\.c, which comes later in sim\/run\/ORDER/
  callRefused({ ...files, '../sim/run/a.c': caller('b_do'), '../sim/run/ORDER': 'a : below\nb : above\n' }, later)
  callPassed({ ...files, '../sim/run/a.c': caller('b_do'), '../sim/run/ORDER': 'b : below\na : above\n' })
  callRefused({ ...files, '../sim/run/a.c': caller('w_do') }, /w_do is of sim\/world\/b\.c, which sim\/run\/ may not use\n.*sim\/LAYERS allows: base/)
  callRefused({ ...files, 'io/a.c': caller('w_do') }, /w_do is of sim\/world\/b\.c, which io\/ may not use\n.*src\/LAYERS allows: base/)
})
test('a call into a folder that src/LAYERS does not allow is refused', () => {
  const files = { 'base/a.c': 'void io_do(void);\nvoid base_do(void);\nvoid base_do(void) { io_do(); }\n',
    'io/a.c': 'void io_do(void);\nvoid base_do(void);\nvoid io_do(void) { base_do(); }\n' }
  callRefused(files, /src\/base\/a\.c:1: io_do is of src\/io\/a\.c, which base\/ may not use/)
})
test('what a folder may use and does not is to be taken off its line', () => {
  const files = { ...pair('b_do()'), 'base/b.c': 'void base_do(void);\nvoid base_do(void) {}\n', 'top/a.h': '#include "io/a.h"\n' }
  callRefused({ ...files, 'top/a.c': '' }, /src\/LAYERS:3: top may use base, and does not/)
  callPassed({ ...files, 'top/a.c': 'void base_do(void);\nvoid top_do(void);\nvoid top_do(void) { base_do(); }\n' })
  callPassed({ ...files, 'top/a.c': '#include "base/a.h"\n' })
})
test('where two programs define a name, the one that may be called is meant', () => {
  callPassed({ 'base/a.c': 'void any_do(void);\nvoid any_do(void) {}\n', 'top/a.c': 'void any_do(void);\nvoid any_do(void) {}\n',
    'io/a.c': 'void any_do(void);\nvoid io_do(void);\nvoid io_do(void) { any_do(); }\n' })
})
test('objects that show no call, or are not there, are no proof', () => {
  const lonely = check({ 'io/a.c': 'void io_do(void);\nvoid io_do(void) {}\n' }, layers, compile)
  assert.strictEqual(lonely.status, 1)
  assert.match(lonely.said, /no file of .* calls another/)
  const missing = check(pair('b_do()'), layers, (root, files) => {
    const given = compile(root, files)
    fs.rmSync(path.join(given[1], 'io_b_c.o'))
    return given
  })
  assert.strictEqual(missing.status, 1)
  assert.match(missing.said, /io_b_c\.o.*build all of/)
})
