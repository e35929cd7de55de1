import { IRenderMime } from '@jupyterlab/rendermime-interfaces';

import { savedRun } from './saved';
import { resultTable } from './table';

const plugins: IRenderMime.IExtension[] = [savedRun, resultTable];

export default plugins;
