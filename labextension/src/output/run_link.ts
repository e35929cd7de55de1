import { ISessionContext } from '@jupyterlab/apputils';
import { Kernel, KernelMessage } from '@jupyterlab/services';
import { JSONObject } from '@lumino/coreutils';

import { Json, object } from '../run/json';

const TARGET = 'jupyter_loops.run';
const SUBSHELL = 2_000; // ms that the thread of the comm may take to start
const LOST = new Set(['restarting', 'autorestarting', 'dead', 'terminating']);

/** Who hears from a kernel. */
export interface LinkListener {
  /** A comm is open; the messages that follow are its answers. */
  opened(comm: Kernel.IComm): void;
  heard(message: Json): void;
  /** The kernel is there, and has no jupyter_loops loaded. */
  unloaded(): void;
  /** The kernel restarts, died, or was shut down. */
  lost(): void;
  /** There is no connection to the kernel. */
  away(): void;
}

/** One comm that this page opens, and opens again after a restart, a reload, or a lost connection. */
export class RunLink {
  private comm: Kernel.IComm | null = null;
  private own: Kernel.IKernelConnection | null = null;
  private answered = false;
  private opening = false;
  private isDisposed = false;

  /** `asked` is what the comm is opened with. */
  constructor(
    private readonly session: ISessionContext,
    private readonly asked: JSONObject,
    private readonly listener: LinkListener
  ) {
    session.kernelChanged.connect(this.onKernel, this);
    session.statusChanged.connect(this.onStatus, this);
    session.connectionStatusChanged.connect(this.onConnection, this);
    session.iopubMessage.connect(this.onMessage, this);
    void this.open();
  }

  dispose(): void {
    if (this.isDisposed) {
      return;
    }
    this.isDisposed = true;
    this.session.kernelChanged.disconnect(this.onKernel, this);
    this.session.statusChanged.disconnect(this.onStatus, this);
    this.session.connectionStatusChanged.disconnect(this.onConnection, this);
    this.session.iopubMessage.disconnect(this.onMessage, this);
    this.close();
    this.own?.dispose();
  }

  private get kernel(): Kernel.IKernelConnection | null {
    const kernel = this.session.session?.kernel ?? null;
    return kernel && !kernel.isDisposed && !LOST.has(kernel.status) ? kernel : null;
  }

  private async open(): Promise<void> {
    const kernel = this.kernel;
    if (!kernel || this.opening || this.isDisposed) {
      return;
    }
    this.opening = true;
    try {
      this.close();
      const comm = this.speaking(kernel).createComm(TARGET);
      this.comm = comm;
      this.answered = false;
      comm.onMsg = message => this.hear(comm, object(message.content.data));
      comm.onClose = () => this.closed(comm);
      const started = (comm as { subshellStarted?: Promise<unknown> }).subshellStarted?.catch(() => undefined);
      await Promise.race([started, new Promise(resolve => window.setTimeout(resolve, SUBSHELL))]);
      if (!this.isDisposed && !comm.isDisposed) {
        this.listener.opened(comm);
        comm.open(this.asked).done.catch(() => undefined); // the kernel went away meanwhile
      }
    } finally {
      this.opening = false;
    }
  }

  /** After a reload another connection may have this kernel's comms: then we have one of our own. */
  private speaking(kernel: Kernel.IKernelConnection): Kernel.IKernelConnection {
    if (kernel.handleComms) {
      return kernel;
    }
    this.own?.dispose();
    this.own = kernel.clone({ handleComms: true });
    this.own.registerCommTarget('jupyter.widget', () => undefined); // or it would close the widgets of others
    return this.own;
  }

  private close(): void {
    const comm = this.comm;
    this.comm = null;
    if (comm && !comm.isDisposed) {
      comm.onClose = () => undefined;
      if (this.kernel && this.kernel.connectionStatus === 'connected') {
        comm.close().done.catch(() => undefined);
      } else {
        comm.dispose();
      }
    }
  }

  private hear(comm: Kernel.IComm, message: Json): void {
    if (comm === this.comm) {
      this.answered = true;
      this.listener.heard(message);
    }
  }

  private closed(comm: Kernel.IComm): void {
    if (comm === this.comm) {
      this.comm = null;
      if (!this.answered) {
        this.listener.unloaded();
      }
    }
  }

  private onKernel(_: unknown, change: { newValue: Kernel.IKernelConnection | null }): void {
    this.close();
    this.listener.lost();
    if (change.newValue) {
      void this.open();
    }
  }

  private onStatus(_: unknown, status: Kernel.Status): void {
    if (LOST.has(status)) {
      this.close();
      this.listener.lost();
    }
  }

  private onConnection(_: unknown, status: Kernel.ConnectionStatus): void {
    if (status === 'connected') {
      void this.open();
    } else if (this.comm) {
      this.listener.away();
    }
  }

  /** After a cell: it may have loaded jupyter_loops. */
  private onMessage(_: unknown, message: KernelMessage.IMessage): void {
    const parent = message.parent_header;
    const ran = 'msg_type' in parent && parent.msg_type === 'execute_request';
    const idle = message.header.msg_type === 'status' && object(message.content)['execution_state'] === 'idle';
    if (!this.comm && ran && idle) {
      void this.open();
    }
  }
}
