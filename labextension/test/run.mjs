// Bundles the tests beside this file and runs them with Node's own runner; what touches the page is tested in a
// real browser, from tests/view.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { build } from 'esbuild';

const tests = readdirSync('test').filter(name => name.endsWith('.test.ts'));
await build({
  entryPoints: tests.map(name => `test/${name}`),
  outdir: '.test',
  bundle: true,
  format: 'esm',
  platform: 'node',
  outExtension: { '.js': '.mjs' },
  logLevel: 'warning'
});
const files = tests.map(name => `.test/${name.replace(/\.ts$/, '.mjs')}`);
process.exit(spawnSync(process.execPath, ['--test', ...files], { stdio: 'inherit' }).status ?? 1);
