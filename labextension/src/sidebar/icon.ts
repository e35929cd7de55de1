import { LabIcon } from '@jupyterlab/ui-components';

const SVG = `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24"><path class="jp-icon3" fill="#616161" d="M12 4V1L8 5l4 4V6a6 6 0 0 1 5.2 9l1.5 1.5A8 8 0 0 0 12 4zm0 14a6 6 0 0 1-5.2-9L5.300 7.500A8 8 0 0 0 12 20v3l4-4-4-4v3z"/><path class="jp-icon3" fill="#616161" d="M10.900 14.500 8.400 12l1.100-1.100 1.400 1.400 3.600-3.600 1.100 1.100z"/></svg>`;

export const loopIcon = new LabIcon({ name: 'jupyter-loops:loop', svgstr: SVG });
