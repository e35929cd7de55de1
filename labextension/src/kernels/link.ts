import { Kernel, KernelMessage } from '@jupyterlab/services';
import { JSONValue, PromiseDelegate } from '@lumino/coreutils';
import { IDisposable } from '@lumino/disposable';
import { ISignal, Signal } from '@lumino/signaling';

import { Json, number, object, text } from '../run/json';

export const TARGET = 'jupyter-loops';
const PATIENCE = 30_000; // ms that an answer may take
const GREETING = 3_000; // ms until a comm without an answer is opened again: its thread may have ended meanwhile
const TRIES = 4;
const SUBSHELL = 2_000; // ms that the thread of the comm may take to start
const LOST = new Set(['restarting', 'autorestarting', 'dead', 'terminating']);

interface Asked {
  answer: PromiseDelegate<unknown>;
  timer: number;
}

/** The comm to one kernel. Opened once the kernel says that it has jupyter-loops; other kernels are left alone. */
export class KernelLink implements IDisposable {
  isDisposed = false;
  isOpen = false;
  /** That the kernel has no module jupyter_loops. */
  lacking = false;
  private comm: Kernel.IComm | null = null;
  private opening = false;
  private dropped = false; // the connection, since the comm was opened
  private last = 0;
  private readonly asked = new Map<number, Asked>();
  private readonly heardSignal = new Signal<this, Json>(this);
  private readonly lostSignal = new Signal<this, void>(this);

  constructor(
    readonly kernel: Kernel.IKernelConnection,
    private readonly own: boolean,
    /** The kernel's own name for itself, "pid@host"; as known from an earlier link until this one is open. */
    public process = ''
  ) {
    kernel.iopubMessage.connect(this.onIopub, this);
    kernel.statusChanged.connect(this.onStatus, this);
    kernel.connectionStatusChanged.connect(this.onConnection, this);
    this.probe();
  }

  /** What the kernel pushes. */
  get heard(): ISignal<this, Json> {
    return this.heardSignal;
  }

  /** The kernel restarts, died, or let go. */
  get lost(): ISignal<this, void> {
    return this.lostSignal;
  }

  /** Ask the kernel; rejected with its one line, or when it does not answer. */
  ask(what: string, run = '', value: JSONValue = null): Promise<unknown> {
    if (!this.comm || !this.isOpen) {
      return Promise.reject(new Error('this kernel is gone'));
    }
    const id = (this.last += 1);
    const answer = new PromiseDelegate<unknown>();
    const timer = window.setTimeout(() => {
      this.asked.delete(id);
      answer.reject(new Error('the kernel has not answered'));
    }, PATIENCE);
    this.asked.set(id, { answer, timer });
    this.comm.send({ id, do: what, run, value });
    return answer.promise;
  }

  dispose(): void {
    if (this.isDisposed) {
      return;
    }
    this.isDisposed = true;
    const comm = this.comm;
    this.forget();
    Signal.clearData(this);
    if (comm && !this.kernel.isDisposed && !comm.isDisposed) {
      void comm.close();
    }
    if (this.own && !this.kernel.isDisposed) {
      this.kernel.dispose();
    }
  }

  /** Ask whether the kernel has the comm's target: on the control channel, which a blocking cell does not hold up. */
  private probe(tries = TRIES): void {
    const message = KernelMessage.createMessage({
      channel: 'control',
      msgType: 'comm_info_request',
      session: this.kernel.clientId,
      username: this.kernel.username,
      content: { target_name: TARGET }
    } as unknown as KernelMessage.IOptions<KernelMessage.IDebugRequestMsg>);
    const future = this.kernel.sendControlMessage(message as unknown as KernelMessage.IControlMessage, true, true);
    let answered = false;
    future.onReply = reply => {
      answered = true;
      if (TARGET in object(object(reply.content)['comms'])) {
        void this.open();
      }
    };
    future.done.catch(() => undefined); // disposed meanwhile
    window.setTimeout(() => {
      if (!answered && tries > 1 && !this.isDisposed && !this.kernel.isDisposed) {
        this.probe(tries - 1); // a connection that is only just made may lose a message
      }
    }, GREETING);
  }

  private async open(tries = TRIES): Promise<void> {
    if (this.opening || this.isDisposed || this.kernel.isDisposed) {
      return;
    }
    this.opening = true;
    this.forget();
    try {
      const comm = this.kernel.createComm(TARGET);
      comm.onMsg = message => this.onMessage(message.content.data);
      comm.onClose = () => (this.comm === comm ? this.onLost() : undefined);
      this.comm = comm;
      const started = (comm as { subshellStarted?: Promise<unknown> }).subshellStarted;
      await Promise.race([started, new Promise(resolve => window.setTimeout(resolve, SUBSHELL))]);
      if (!this.isDisposed && !comm.isDisposed) {
        void comm.open({ version: 1 }).done.catch(() => undefined);
        window.setTimeout(() => this.again(comm, tries - 1), GREETING * 2 ** (TRIES - tries));
      }
    } finally {
      this.opening = false;
    }
  }

  private again(comm: Kernel.IComm, tries: number): void {
    if (this.comm === comm && !this.isOpen && !this.isDisposed && !comm.isDisposed && tries > 0) {
      this.comm = null;
      void comm.close();
      void this.open(tries);
    }
  }

  private onMessage(data: JSONValue): void {
    const message = object(data);
    const asked = this.asked.get(number(message['id']));
    if (asked) {
      window.clearTimeout(asked.timer);
      this.asked.delete(number(message['id']));
      if (message['ok'] === true) {
        asked.answer.resolve(message['result'] ?? null);
      } else {
        asked.answer.reject(new Error(text(message['error']) || 'the kernel could not do that'));
      }
      return;
    }
    if (message['kind'] === 'hello') {
      this.process = text(message['kernel']);
      this.isOpen = true;
      this.dropped = false;
    }
    this.heardSignal.emit(message);
  }

  private onIopub(_: unknown, message: KernelMessage.IIOPubMessage): void {
    if (KernelMessage.isCommMsgMsg(message) && message.content.comm_id === TARGET) {
      void this.open();
    } else if (KernelMessage.isErrorMsg(message) && message.content.evalue === "No module named 'jupyter_loops'") {
      this.lacking = true;
      this.heardSignal.emit({ kind: 'lacking' });
    }
  }

  private onStatus(_: unknown, status: Kernel.Status): void {
    if (LOST.has(status) && this.process) {
      this.onLost();
    }
  }

  /** After a connection that dropped, messages may be missing: begin anew. */
  private onConnection(_: unknown, status: Kernel.ConnectionStatus): void {
    if (status === 'connected' && this.dropped) {
      this.dropped = false;
      this.probe();
    } else if (status !== 'connected' && this.isOpen) {
      this.dropped = true;
    }
  }

  private onLost(): void {
    this.forget();
    this.process = '';
    this.lostSignal.emit();
  }

  private forget(): void {
    this.comm = null;
    this.isOpen = false;
    for (const { answer, timer } of this.asked.values()) {
      window.clearTimeout(timer);
      answer.promise.catch(() => undefined);
      answer.reject(new Error('this kernel is gone'));
    }
    this.asked.clear();
  }
}
