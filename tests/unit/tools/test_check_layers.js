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

function check(files, text = layers) {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'check-layers-'))
  for (const [name, content] of Object.entries({ LAYERS: text, 'base/a.h': '', 'io/a.h': '', 'top/a.h': '', ...files })) {
    fs.mkdirSync(path.dirname(path.join(root, 'src', name)), { recursive: true })
    fs.writeFileSync(path.join(root, 'src', name), content)
  }
  const run = spawnSync(process.execPath, [tool, root], { encoding: 'utf8' })
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
test('a file of a folder with an ORDER includes nothing that comes later, unless it is a door', () => {
  const files = { 'io/a.c': '', 'io/b.h': '', 'io/b.c': '#include "io/b.h"\n#include "io/a.h"\n' }
  passed({ ...files, 'io/ORDER': '# who calls whom\na : below\nb : above\n' })
  refused({ ...files, 'io/ORDER': 'b : below\na : above\n' }, /src\/io\/b\.c:2: "io\/a\.h" comes later in src\/io\/ORDER/)
  passed({ ...files, 'io/ORDER': 'b : below\na : door  above\n' })
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
