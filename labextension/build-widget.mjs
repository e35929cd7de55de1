// Bundles the widget's script and style into the Python package: one file each, nothing fetched at run time.
import { build } from 'esbuild';

const out = '../jupyter_loops/view/static';
const shared = { bundle: true, minify: true, legalComments: 'none', logLevel: 'warning' };

await build({ ...shared, entryPoints: ['src/widget.ts'], outfile: `${out}/run.js`, format: 'esm', target: 'es2022' });
await build({ ...shared, entryPoints: ['style/run.css'], outfile: `${out}/run.css` });
