import { JupyterFrontEndPlugin } from '@jupyterlab/application';

import { runOutput } from './output/plugin';

const plugins: JupyterFrontEndPlugin<unknown>[] = [runOutput];

export default plugins;
