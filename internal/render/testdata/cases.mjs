// What is held to the real thing: [template, context?] for JSON-e, a text for
// YAML. `refused` marks what the services render and we refuse on purpose.
const refused = (...c) => ({ case: c, refused: true });
const e = (expr, context) => [{ $eval: expr }, context];
const r = (expr, context) => refused({ $eval: expr }, context);
const no = { $if: 'false', then: 1 };
const emoji = '\u{1f600}', bmp = '\uff5e';

export const jsone = [
  // numbers
  e('9007199254740993'), e('9007199254740993 + 0'), ['${9007199254740993}'], ['${x}', { x: 1e21 }], ['${x}', { x: 123456789012345680000 }],
  ['${x} ${y}', { x: 1e-7, y: 0.000001 }], ['${0.1 + 0.2}'], e('0.1 + 0.2'), ['${-0}'], e('-0'), e('0 == -0'), ['${1/3} ${10/2} ${7/2}'],
  [{ $json: { $eval: 'x' } }, { x: [1e21, 1e-7, 1.5e300, 0.1, 100, -0, 123456789012345680000, 5e-324] }], e('str(x)', { x: 1e21 }), e('str(-0)'),
  e('1 / 0'), e('5 % 2'), r('2 ** 3'), r('2 ** 3 ** 2'), ['1${2}${3.0}'], e('+5'), e('-x', { x: 3 }), e('1 + 2 * 3 - 4 / 2'), e('2 - 3 - 4'), e('1 < 2'),
  r('x', { x: 1, fromNow: 'x' }), r('x', { x: 1, cot__a: 1 }), e('x', { x: 1, from: 2 }), e("number('1e3')"), e("number('')"), e("number(' 12 ')"), r("number('0x10')"), e("number('1_0')"),
  e("number('Infinity')"), e("number('abc')"), e("number('.5') + number('5.')"), e('x * x', { x: 1e300 }), e('x * x == x * x * 2', { x: 1e300 }), e('1.5e3'),
  e('min(1, 2, -3)'), e('max(1)'), e('max()'), e("max('a')"), e('sqrt(-1)'), r('str(sqrt(-1))'), r('str(y * y)', { y: 1e300 }), e('sqrt(16) + ceil(1.2) + floor(-1.2) + abs(-3)'), ['${min(0, -0)}'],
  // texts
  ['${x}${y}', { x: null, y: true }], ['a${x}', { x: [] }], ['a${x}', { x: {} }], ['$${x} $$${x} ${"}"}', { x: 1 }], ["${ {a: 'b'}.a }"], ["${'${'}"], ['${}'], ['${1'], ['$x $ {1} {1} $'],
  ['${1 2}'], ['${"a" + \'b\'}'], refused('${str}'), ['é${"é"}' + emoji],
  // JSON
  [{ $json: { b: 1, a: [{ '<&>': '<>&\u2028\u2029\u007f\b\f\n\r\t\u0001"\\/' }], [emoji]: 1, [bmp]: 2, é: 3, Z: 1, 10: 1, 9: 1 } }],
  [{ $json: [] }], [{ $json: { $eval: '[]' } }], [{ $json: { $eval: '{}' } }], [{ $json: null }], [{ $json: { a: no } }], refused({ $json: no }), [{ $json: { $eval: 'str' } }], [{ $json: 'x${1}' }],
  // list and text access
  ...['a[0]', 'a[-1]', 'a[-9]', 'a[3]', 'a[1:]', 'a[:1]', 'a[-2:]', 'a[:-1]', 'a[5:9]', 'a[2:1]', 'a[-9:9]', 'a[1.5]', 'a[:]', 'a[null]', 'a[1:null]', 'a[null:1]', "a['x']", 'a[1:9][0]']
    .flatMap((x) => [e(x, { a: [1, 2, 3] }), e(x, { a: 'abc' }), e(x, { a: 'é' + emoji + 'z' })]),
  e('a[0]', { a: emoji }), e('a[2]', { a: 'é' }), e('a[1]', { a: emoji }), e('len(a)', { a: emoji + 'x' }), e('len([1, [2]])'), e('len({})'), e("''[0:1]"), e("[][0]"),
  e("o['a']", { o: { a: 1 } }), e("o['b']", { o: { a: 1 } }), e('o.b', { o: { a: 1 } }), e('o.a.b', { o: { a: 1 } }), r("o['a':]", { o: { a: 1 } }), r('a[1 2]', { a: [1, 2] }),
  e("x['toString']", { x: {} }), e('x.toString', { x: {} }), e('x.constructor', { x: {} }), e('x.__proto__', { x: {} }), e('constructor'), e('__proto__'), e('toString'), e('hasOwnProperty'),
  e("'toString' in x", { x: {} }), e("defined('constructor')"), e("defined('x')", { x: null }), e("defined('y')"), e("x.__proto__", { x: JSON.parse('{"__proto__": 5}') }), [JSON.parse('{"__proto__": {"a": 1}, "constructor": 2}')],
  [{ $let: { constructor: 1, toString: 2 }, in: { $eval: 'constructor + toString' } }], [JSON.parse('{"$let": {"__proto__": 7}, "in": {"$eval": "__proto__"}}')],
  // operators
  e("'b' in 'abc'"), e("1 in [1, 2]"), e("[1] in [[1], 2]"), e("'a' in {a: 1}"), e("1 in {a: 1}"), e("1 in 'a1'"), e("'' in ''"), e('1 in 1'), e('{a: [1]} == {a: [1]}'), e('[1, 2] == [2, 1]'), e("1 == '1'"), e('null == false'),
  e('[] == {}'), e('str == str'), e('str == len'), e("'a' < 'b'"), e("'a' < 1"), e('a < b', { a: 'é', b: 'z' }), r('a < b', { a: emoji, b: bmp }), r("a < '" + emoji + "'", { a: bmp }), e('a < b', { a: bmp, b: '\ud7ff' }), e("a == '" + emoji + "'", { a: emoji }),
  e("'B' < 'a'"), e("'a' <= 'a' && 'b' >= 'a'"), e('!{}'), e('![]'), e("!''"), e('!0'), e('!null'), e("!'0'"), e('!!{a: 1}'), e('!str'), e("'a' || 'b'"), e('1 && 2'), e('0 || null'), e('true || nope'), e('false && nope'), e('nope'), e("1 + 'a'"), e('[1] + [2]'), e("-'a'"), e('!-1'), e('--1'),
  e('1 == 1 == true'), e('1 < 2 == true'), e("'a' in ['a'] && 1 in [2]"), e('true && false || true'), e('1 +'), e(''), e(')'), e('(1'), e('[1,]'), e('[,1]'), e('{a: 1,}'), e('{a: 1, a: 2}'), e("{'a b': 1}"), e('{1: 2}'), e('{in: 1}'), e('x.in', { x: { in: 1 } }), e('insane', { insane: 1 }), e('nullx', { nullx: 1 }),
  r('a\u00a0+ 1', { a: 1 }), e('a # b', { a: 1 }), e('"a\'b" + \'c"d\''), e("'a\\n'"), e('f(1)', { f: 1 }), e('str(1, 2)'), e('str()'), e("'x'('y')"), e("(str)(5)"), e('[str][0](5)'), e("{a: str}.a(5)"),
  ...['!x.y', '!(x.y)', '!x.y == true', '!x && y != 1', '-l[0]', '-(l[0]) + 1', '!str(1)', '!!x == x', '-y + -y - -y', '+y == 1', '!x in [true]', '!-+y', '- y[0]', 'y == 1 && !x || !(x == null)', '!fromNow(now)', '!(fromNow(x.z) == now)', "!defined('x')", "!(defined('x')) == defined('q')", 'x.l[y].z', "x['l'][1 - y][-1:][0]", '[x.y, x.z][0] == x.y', '{a: x, b: {c: y}}.b.c + 1']
    .map((c) => e(c, { x: { y: 0, z: '', l: [[3], { z: 9 }] }, y: 1, l: [4] })),
  // functions
  e("lowercase('ABC')"), r("uppercase('aé')"), r("uppercase('ß')"), r("lowercase('İ')"), e('strip(a)', { a: '\ufeff\u00a0 x \u2028' }), e('strip(a)', { a: '\u0085x\u0085' }), e('lstrip(a) + rstrip(a)', { a: ' \u3000x\u180e ' }),
  e("split('a,b,,', ',')"), e("split('', ',')"), e("split('', '')"), e("split('abc', '')"), r("split(a, '')", { a: emoji }), e("split('a1b', 1)"), e("split('a1.5b', 1.5)"), e("split('x')"), e("split(1, '1')"), e("join(['a', 1, 1.5], '-')"), e("join(['a', null, true], '-')"), r("join(['a', ['b']], '-')"),
  e("join(['a'])"), e("join([], ',')"), e("join([1, 2], 0)"), e('join([x], x)', { x: 1e21 }), e('str(null) + str(true) + str(1.5)'), e('str([])'), e("typeof(str) + typeof([]) + typeof({}) + typeof(null) + typeof(1) + typeof('') + typeof(true)"),
  e('range(0, 3)'), e('range(3, 0, -1)'), e('range(0, 5, 2)'), e('range(3, 0)'), e('range(0, 1, 0)'), e('range(0.5, 2)'), e('range(1)'), r('range(0, 3, 1, 1)'), e('len(range(0, 1000))'),
  // $fromNow
  ...['1 day', '-1 day', '1 yr', '1 year', '2 years', '3 mo', '1 month 2 weeks 3 days 4 hours 5 minutes 6 seconds', '1y1mo1wk1d1h1m1s', '', ' + 5 min ', '1 hr', '1 Day', '1.5 days', 'tomorrow', '2 days 1 week', '1 sec', '0 days', '- 2 w', '01 days', '1 ſ', '1 d d']
    .flatMap((x) => [[{ $fromNow: x }], e('fromNow(x)', { x })]),
  ['${fromNow("1 day")}'], [{ $fromNow: '1 day', from: '2020-02-28T23:59:59.999Z' }], [{ $fromNow: '1 day', from: '2020-02-28T23:59:59Z' }], [{ $fromNow: '1 day', from: '2020-02-28T23:59:59.5+02:00' }], refused({ $fromNow: '1 day', from: '2020-02-28' }), [{ $fromNow: '1 day', from: '' }],
  refused({ $fromNow: '1 day', from: 'x' }), e("fromNow('1 day', '2020-01-01T00:00:00Z')"), refused({ $fromNow: '9000 years' }), refused({ $fromNow: '9000000 years' }), r("fromNow('1 day', '2020')"), e("fromNow('1 day', '')"), e("fromNow()"), e("fromNow('1 day', 5)"), [{ $fromNow: { $eval: "'1 day'" }, from: { $eval: 'now' } }], [{ $let: { now: '2001-01-01T00:00:00.000Z' }, in: [{ $fromNow: '1 day' }, { $eval: "fromNow('1 day')" }, '${now}'] }], [{ $fromNow: 5 }], [{ $fromNow: '${n} days' }, { n: 3 }],
  // deletion
  [no], [[no, 1]], [{ a: no, b: 1 }], [{ $if: 'true', then: null }], [{ $if: '1', else: 2 }], [{ $if: '[]', then: 1, else: [no] }], [[{ $switch: { false: 1 } }]], [{ $let: { a: no }, in: { $eval: "defined('a')" } }], [{ $map: [1, 2], 'each(x)': { $if: 'x == 1', then: 'y' } }], [{ $let: { a: 1 }, in: no }],
  [{ $if: true, then: 1 }], [{ $if: 'true', then: 1, other: 2 }], [{ $if: '1', $then: 1 }],
  // $switch, $match
  [{ $switch: { 'x == 1': 'a', 'x == 2': 'b', $default: 'c' } }, { x: 2 }], [{ $switch: { 'x == 1': 'a', $default: 'c' } }, { x: 2 }], [{ $switch: { 'x == 1': 'a', $default: null } }, { x: 2 }], [{ $switch: { true: 'a', '1 == 1': 'b' } }], [{ $switch: { 'true': 1, 'true ': 2 } }], [{ $switch: 1 }], [[{ $switch: {} }]],
  [{ $match: { 'x > 1': 'c', 'x > 0': 'a', 'x == 9': 'n', true: [1] } }, { x: 5 }], [{ $match: {} }], refused({ $match: { true: no } }), [{ $match: { nope: 1 } }], [{ $match: { '1': 'b', 'true': 'a', ' true': 'c' } }], [{ $flatten: { $match: { true: [1, 2] } } }],
  // $map, $reduce, $find
  [{ $map: [1, 2], 'each(x)': '${x}' }], [{ $map: [5, 6], 'each(x,i)': [{ $eval: 'x + i' }] }], [{ $map: { a: 1, b: 2 }, 'each(v,k)': { '${k}x': { $eval: 'v' } } }], [{ $map: { a: 1 }, 'each(y)': { '${y.key}': { $eval: 'y.val' } } }], [{ $map: {}, 'each(y)': 1 }], [{ $map: [], 'each(y)': 1 }], [{ $map: { a: 1 }, 'each(y)': 1 }],
  refused({ $map: { b: 1, a: 2 }, 'each(v,k)': { same: '${k}' } }), [{ $map: { a: 1, b: 2 }, 'each(v,k)': { $if: 'v == 1', then: { x: '${k}' } } }], refused({ $map: { b: 1, a: 2 }, 'each(v,k)': { k: { $eval: 'v' } } }), [{ $map: 'abc', 'each(x)': 1 }], [{ $map: [1], 'each(x)': 1, y: 2 }], [{ $map: [1], 'each(x, y)': '${y}' }], [{ $map: [1], 'each( x)': 1 }], [{ $map: [[1, 2], [3]], 'each(x)': { $map: { $eval: 'x' }, 'each(y)': '${x[0]}${y}' } }], [{ $map: [1], 'each(x,x)': { $eval: 'x' } }],
  [{ $reduce: [1, 2, 3], initial: 10, 'each(a,x)': { $eval: 'a + x' } }], [{ $reduce: [1, 2], initial: '', 'each(a,x,i)': '${a}${x}${i}' }], [{ $reduce: [], initial: '${1}', 'each(a,x)': 1 }], [{ $reduce: [1], initial: { $eval: 'nope' }, 'each(a,x)': { $eval: 'a' } }], [{ $reduce: [1, 2], initial: 0, 'each(a,x)': { $if: 'x == 1', then: 5 } }], [{ $reduce: {}, initial: 0, 'each(a,x)': 1 }],
  [{ $find: [1, 2, 3], 'each(x)': 'x > 1' }], [{ $find: [1], 'each(x)': 'x > 1' }], [[{ $find: [1], 'each(x)': 'x > 1' }]], [{ $find: { $eval: 'l' }, 'each(x)': 'true' }, { l: ['${nope}'] }], [{ $find: { $eval: 'l' }, 'each(x)': "x['$eval'] == 'now'" }, { l: [{ $eval: 'now' }] }], [{ $find: [5, 6], 'each(x,i)': 'i == 1' }], refused({ $find: [{ a: 1 }, 2], 'each(x)': 'x.a == 1' }), [{ $find: [null], 'each(x)': 'x == null' }], [{ $find: [1], 'each(x)': true }], [{ $find: {}, 'each(x)': 'true' }],
  // $sort, $reverse, merging
  [{ $sort: [3, 1, 2] }], [{ $sort: ['b', 'a', 'B', emoji, bmp, 'é', '10', '9'] }], [{ $sort: [1, 'a'] }], [{ $sort: [[1]] }], [{ $sort: [null] }], [{ $sort: [] }], [{ $sort: [10, 9, 1.5, -1] }], [{ $sort: [{ a: 2, b: 1 }, { a: 1, b: 2 }, { a: 2, b: 0 }], 'by(x)': 'x.a' }], [{ $sort: [1, 'a'], 'by(x)': 'str(x)' }], [{ $sort: [1, 'a'], 'by(x)': 'x' }],
  [{ $sort: { $eval: 'l' }, 'by(x)': 'x[0]' }, { l: Array.from({ length: 40 }, (_, i) => [i % 3, i]) }], [{ $sort: {} }], [{ $reverse: [1, 2, 3] }], refused({ $reverse: { $eval: '[1, 2]' } }), [{ $reverse: { $sort: [2, 3, 1] } }], refused([{ $reverse: { $eval: 'l' } }, { $eval: 'l' }], { l: [1, 2] }), [{ $reverse: 'ab' }],
  [{ $merge: [{ a: 1, b: 1 }, { b: 2 }] }], [{ $merge: [] }], [{ $merge: [1] }], [{ $merge: {} }], [{ $merge: [{ a: { x: 1 } }, { a: { y: 2 } }] }], [{ $merge: [{ a: 1 }, no] }], [{ $merge: { $eval: 'l' } }, { l: [{ a: 1 }, { b: 2 }] }], [{ $merge: [JSON.parse('{"__proto__": 1}')] }],
  [{ $mergeDeep: [{ a: { x: 1, l: [1] } }, { a: { y: 2, l: [2] } }, { a: { l: 3 } }] }], [{ $mergeDeep: [] }], [{ $mergeDeep: [{ a: 1 }] }], refused([{ $mergeDeep: { $eval: 'l' } }, { $eval: 'l' }], { l: [{ a: 1 }, { b: 2 }] }),
  [{ $let: { x: [1, no] }, in: [{ $mergeDeep: [{ l: { $eval: 'x' } }, { l: [2] }] }, { $mergeDeep: [{ l: { $eval: 'x' } }, { l: [3] }] }] }], [{ $let: { x: [1, 2, 3] }, in: [{ $mergeDeep: [{ l: { $eval: 'x[0:1]' } }, { l: [9] }] }, { $eval: 'x' }] }],
  [{ $flatten: [1, [2, [3]], []] }], [{ $flattenDeep: [1, [2, [3, [[4]]]]] }], [{ $flatten: {} }], [{ $flattenDeep: [] }],
  // keys
  [{ $$eval: 'x', $$a: 1 }], [{ '$${x}': 1 }], [{ '$$$${x}${': 1 }], [{ '$$$${x}': 1, '${1}$${x}': 2 }], [{ '$$x${1}': 1 }], [{ '${x}': 1, '${y}': 2 }, { x: 'a', y: 'b' }], refused({ '${x}': 1, '${y}': 2 }, { x: 'a', y: 'a' }), refused({ '${x}': 1, a: 2 }, { x: 'a' }), [{ '${x}': no, a: 2 }, { x: 'a' }], [{ $x: 1 }], [{ '$x-y': 1 }], [{ $default: 1 }], [{ $: 1, '$1': 2 }], [{ '${1}': 1, $$b: '${2}', '$${c}': 3 }], [{ $eval: '1', $json: 2 }], [{ $eval: 1 }],
  // $let
  [{ $let: { a: 1, b: 2 }, in: '${a}${b}' }], [{ $let: { 'a b': 1 }, in: 1 }], [{ $let: { '${x}': 1 }, in: { $eval: 'foo' } }, { x: 'foo' }], [{ $let: { $eval: 'o' }, in: { $eval: 'a' } }, { o: { a: 4 } }], [{ $let: [], in: 1 }], [{ $let: { a: 1 } }], [{ $let: { a: 1 }, in: null }], [{ $let: { a: 1 }, in: { $let: { a: { $eval: 'a + 1' } }, in: { $eval: 'a' } } }], [{ $let: { str: 5, number: 6 }, in: { $eval: 'str + number' } }], refused({ $let: { fromNow: 5 }, in: 1 }), refused({ $let: { cot__at: 5 }, in: 1 }),
  [{ $let: { f: { $eval: 'str' } }, in: { $eval: 'f(5)' } }], [{ $eval: 'str' }], [[{ $eval: '[str]' }]], [true], [null], [5], [''], [[]], [{}], e('fromNow'), r("typeof(fromNow)"), e("[now, tasks_for]", { tasks_for: 'x' }),
];

const q = '"';
export const yaml = [
  'on', 'yes', 'no', 'off', 'y', 'n', 'On', 'true', 'True', 'TRUE', 'tRue', 'false', '~', 'null', 'Null', 'NULL', 'nULL', 'a:', 'a: ~', '{a, b: }', '[,]', '[a, ]',
  ...['017', '0o17', '0O17', '0x1F', '0X1F', '0b11', '1_000', '1_000.5', '-3', '+12', '+0x10', '-0', '-0.0', '0', '00', '08', '1.', '.5', '-.5', '+.5', '1.5', '1e3', '1E3', '1.0e5', '1.5e+5', '1.5e-5', '.5e1', '1e', 'e1', '1e999', '.inf', '-.inf', '+.INF', '.nan', '.NaN', '9007199254740993', '9007199254740992', '-9007199254740993', '12345678901234567890123', '0x20000000000001', '1:30', '1:30:00', '190:20:30.15', '1234e567', '0e1', '6.02e23', '1.2.3', '1-2', '- 1', '12e03', '0.', '0.0', '._5', '1__0', '_1', '0x', '0b', '0o', '0b12', '0o8', '0x1_0', '-0b1', '0.1_2', '1,000', '+', '-a', '.', '..', '=', '<', '!x', '1d', '7e5c3b', '123e4', '12345e6789012345678901234567890123456789'],
  '2026-01-01', '2026-1-1', '2026-01-01T00:00:00Z', '2026-01-01 00:00:00', '2026-1-1 1:01:01', '2026-01-01t00:00:00.5+01:00', '2026-01-01T00:00:00', '2026-01-01T00:00', '2026-13-01', '20260101', '2026-01-01 00:00:00 +5', '2026-01-01T00:00:00.000Z x',
  `'12'`, `${q}12${q}`, `'on'`, `!!str 12`, `!!int 12`, `!!float 1`, `!!bool yes`, `!!null x`, `!!binary aGk=`, `!!set {a}`, `!!map {a: 1}`, `!!seq [1]`, `!!omap [a: 1]`, '!x y', '! 12', '!!timestamp 2026-01-01', '!<tag:yaml.org,2002:str> 12',
  '1: x', '0x1: x', '1.0: x', '1e3: x', '1e21: x', 'null: x', '~: x', 'true: x', 'True: x', 'on: x', '2026-01-01: x', '? a\n: b', '? [a]\n: b', '{1: a, "1": b}', '{a: 1, a: 2}', '{true: 1, True: 2}', '{on: 1, "on": 2}', '? |\n  a\n: b', '"a": 1', '{"a":1}', '{"a":1,"b":2}', '{a:1}', '{a: b: c}', ': x', '{: x}', '"": x',
  'a: &x {b: 1, d: 2}\nc: {<<: *x, b: 3}', 'a: &x {b: 1}\nc: {b: 3, <<: *x}', 'a: &x {b: 1}\nb: &y {b: 2, c: 3}\nc: {<<: [*x, *y]}', 'a: &x {b: 1}\nb: &y {b: 2}\nc:\n  <<: *x\n  <<: *y', '<<: 5', '<<: {a: 1}', `${q}<<${q}: {a: 1}`, '<<: [{a: 1}, 5]', '<<:', 'a: <<', '- <<', '<<: &x {a: 1}', '<<: []',
  'a: &x 1\nb: *x', '&k a: 1\nb: *k', '*x', 'a: &a [*a]', 'a: &x\nb: *x', '&x a: *x', 'a: &x 1\nb: &x 2\nc: *x', 'a: *nope',
  'a: >\n  folded\n  text\n', 'a: >-\n  x\n\n  y\n    z\n  w\n\n', 'a: |\n  x\n\n\n', 'a: |+\n  x\n\n\nb: 1', 'a: |-\n  x\n  y\n\n', 'a: |2\n    x\n', 'a: >+\n\n  x\n\n', 'a: |\n\n  x', 'a: |1\n x', 'a: >\n  x\n   y\n  z', 'a: |\n x\n  y\nb: 1', 'a: |\n', 'a: ""', 'a: |-1\n  x', 'a: |\n  # not a comment\n  x # nor this\n', 'a: x # comment\nb: "x # no"', 'a: x#y', 'a: #x\n  b',
  'plain\n  multi\n  line', 'a: x\n  y\n\n  z', `a: 'it''s\n  folded'`, `a: ${q}esc \\n \\u00e9 \\x41 \\\n   joined\n   folded${q}`, `${q}\\U0001F600${q}`, `${q}\\ud83d\\ude00${q}`, `${q}\\z${q}`, `${q}\\/${q}`, `${q}\\e\\0\\N\\_\\L\\P${q}`, emoji, `a: ${emoji} é`,
  'a\n---\nb', '---\na', '--- a', '---\na: 1\n...\n', '', '# only', '---', '---\n---', 'a: 1\n...\nb: 2', '%YAML 1.2\n---\na', '%YAML 1.1\n---\non', '%TAG ! x\n---\na', '%YAML 2.0\n---\na', '\ufeffa: 1', 'a: 1\n\ufeffb: 2',
  'a:\tb', '\ta: b', 'a:\n\tb: 1', 'a: b\t', '- \ta', '-\ta', '{a:\t1}', 'a: 1\r\nb: 2\r\n', 'a: 1\rb: 2', 'a: x\u0085y', 'a: "x\u2028y"', 'a: x\u0000', 'a: x\u0007', 'a: x\u007f', 'a: \ufffe', 'a: \u00a0x',
  '- a\n- b\n-', '- - a\n  - b\n- c', 'a:\n- b\n- c', 'a:\n  - b: 1\n    c: 2\n  - d', '[a, [b, c], {d: e}]', '[a, b', '{a: 1', '[a]]', '[a b, c d]', '[a: b]', '[a: b, c]', '[? a : b]', '{a, b}', '[a, , b]', '{a: [}', '- a\nb: 1', 'a: b: c', 'a: - b', 'a: [1\n, 2]', 'a: [1,\n2]', 'a:\n  [1,\n  2]', 'a: {b: 1,\n  c: 2}', '[a,b]', '[1,2]', '{a: http://x/y}', '[http://x:1]', 'a: http://x:80/#frag', 'a: @x', 'a: `x`', 'a: %x', '@x', 'a: "x" y', "a: 'x", 'a: &', 'a: *', 'a: !', 'a: |x', '-', '?', '- ? a', 'a : b', 'a  :  b', 'a:b', 'a::b', 'a: ::', '"a" : b', 'a\n: b', 'a: {x: y}}', 'key: "a\n\n\n  b"', '{a: "b\n  c"}', "- 'a\n  b'", '- "a": b', '- !!str\n  a: b', 'a: [&x b, *x]', 'a: ?b', 'a: -b', 'a: ?', 'a: -', '- -', '[-]', '[-a]', '[a?]', '[?a]', '{?a: b}', '{a: }', '{a: ,b: }', "{'a': 1}", '{"a" : 1}', '["a":1]', '{[a]: 1}',
  `${'k'.repeat(1000)}: v`, `${'k'.repeat(1100)}: v`, `? ${'k'.repeat(1100)}\n: v`, `${q}${'k'.repeat(1100)}${q}: v`, `a: ${'v'.repeat(5000)}`, `[${'x'.repeat(1100)}: v]`,
  'version: 1\npolicy:\n  pullRequests: public\ntasks:\n  - $if: \'tasks_for == "github-push"\'\n    then:\n      payload:\n        command:\n          - >-\n              ln -s a b &&\n              cd c\n        env: {A: "1"}\n    ',
];

// What js-yaml reads and we refuse.
export const refusedByYAML = new Set([
  "017", "0b11", "1_000", "1_000.5", "+0x10", "00", "08", "-.5", "+.5", "1e999", "0x20000000000001", "1234e567", "._5", "1__0", "0b12", "0x1_0", "-0b1", "0.1_2",
  "12345e6789012345678901234567890123456789", "!!int 12", "!!float 1", "!!set {a}", "!!omap [a: 1]", "! 12", "2026-01-01: x", "? [a]\n: b", "{: x}", "\"\\ud83d\\ude00\"",
  "# only", "%YAML 1.2\n---\na", "a: x\u0085y", "a: \"x\u2028y\"", "a: !", "?", "{[a]: 1}",
]);

// What PyYAML reads and we refuse.
export const refusedByPyYAML = new Set([
  "1:30", "1:30:00", "190:20:30.15", "!!int 12", "!!float 1", "!!bool yes", "!!null x", "! 12", "{a: 1, a: 2}", "a: &x {b: 1}\nb: &y {b: 2}\nc:\n  <<: *x\n  <<: *y",
  "\"\\ud83d\\ude00\"", "", "# only", "%YAML 1.2\n---\na", "a: \"x\u2028y\"", "a: !", "[-]", "[?a]", "{?a: b}",
  "? kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk\n: v",
]);
