import { IRenderMime } from '@jupyterlab/rendermime-interfaces';

import { savedRun } from './saved';
import { resultTable } from './table';

const renderers: IRenderMime.IExtension[] = [savedRun, resultTable];

export default renderers;
