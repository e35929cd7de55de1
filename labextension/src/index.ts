import { IRenderMime } from '@jupyterlab/rendermime-interfaces';

import { savedRun } from './saved';

const plugins: IRenderMime.IExtension[] = [savedRun];

export default plugins;
