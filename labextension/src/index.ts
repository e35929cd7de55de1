import { JupyterFrontEndPlugin } from '@jupyterlab/application';

import { cells } from './cells/plugin';
import { commands } from './commands/plugin';
import { history } from './history/plugin';
import { kernels } from './kernels/plugin';
import { notify } from './notify/plugin';
import { runOutput } from './output/plugin';
import { settings } from './settings/plugin';
import { sidebar } from './sidebar/plugin';
import { status } from './status/plugin';
import { viewer } from './viewer/plugin';

const plugins: JupyterFrontEndPlugin<unknown>[] = [kernels, settings, sidebar, status, notify, cells, commands, viewer, history, runOutput];

export default plugins;
