// Writes vectors.json: what the services' JSON-e and js-yaml make of cases.mjs,
// and what PyYAML makes of the YAML. Versions are those of the platform's
// yarn.lock. In this folder:
//
//   npm install --no-save --prefix /tmp/jsone json-e@4.8.4 js-yaml@4.3.1
//   python3 -m venv /tmp/pyyaml && /tmp/pyyaml/bin/pip install PyYAML==6.0.3
//   PYTHON=/tmp/pyyaml/bin/python NODE_PATH=/tmp/jsone/node_modules node generate.mjs
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import * as cases from './cases.mjs';

const require = createRequire(`${process.env.NODE_PATH}/x.js`);
const render = require('json-e');
const yaml = require('js-yaml');
const now = '2026-01-01T00:00:00.000Z';

// What is not JSON, such as a Date or NaN, fails here: JSON has no word for it.
function plain(v) {
  if (v instanceof Date || (typeof v === 'number' && !Number.isFinite(v)) || v === undefined || v instanceof Uint8Array) throw new Error('not JSON');
  if (v && typeof v === 'object') for (const k of Object.keys(v)) plain(v[k]);
  return v;
}

function attempt(f) {
  try {
    return { want: JSON.parse(JSON.stringify(plain(f()))) };
  } catch {
    return { fails: true };
  }
}

const jsone = cases.jsone.map((c) => {
  const refused = !Array.isArray(c) && c.refused;
  const [template, context] = refused ? c.case : c;
  const input = JSON.parse(JSON.stringify({ template, context: { now, ...context } }));
  const result = attempt(() => render(structuredClone(input.template), structuredClone(input.context)));
  return { ...input, ...result, ...(refused && { refused }) };
});

const python = JSON.parse(execFileSync(process.env.PYTHON, ['pyyaml.py'], { input: JSON.stringify(cases.yaml), maxBuffer: 1 << 26 }));
const mark = (outcome, set, text) => ({ ...outcome, ...(set.has(text) && { refused: true }) });
const texts = cases.yaml.map((text, i) => ({
  text, js: mark(attempt(() => yaml.load(text)), cases.refusedByYAML, text), py: mark(python[i], cases.refusedByPyYAML, text),
}));

const lines = (list) => `[\n${list.map((x) => JSON.stringify(x)).join(',\n')}\n]`;
writeFileSync('vectors.json', `{"jsone": ${lines(jsone)},\n"yaml": ${lines(texts)}}\n`);
