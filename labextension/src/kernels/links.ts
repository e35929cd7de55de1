import { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import { CommsOverSubshells, Kernel, ServiceManager, Session } from '@jupyterlab/services';
import { ISignal, Signal } from '@lumino/signaling';

import { KernelLink } from './link';

/** A link to every Python kernel that runs, by the connection of its open notebook where there is one. */
export class Links {
  private readonly byKernel = new Map<string, KernelLink>();
  private readonly addedSignal = new Signal<this, KernelLink>(this);
  private readonly removedSignal = new Signal<this, KernelLink>(this);
  private due = false;

  constructor(
    private readonly services: ServiceManager.IManager,
    private readonly notebooks: INotebookTracker | null
  ) {
    services.sessions.runningChanged.connect(this.update, this);
    notebooks?.widgetAdded.connect((_, panel) => this.follow(panel));
    notebooks?.forEach(panel => this.follow(panel));
    void services.ready.then(() => this.update());
  }

  get added(): ISignal<this, KernelLink> {
    return this.addedSignal;
  }

  get removed(): ISignal<this, KernelLink> {
    return this.removedSignal;
  }

  all(): KernelLink[] {
    return [...this.byKernel.values()];
  }

  of(kernelId: string | undefined): KernelLink | undefined {
    return kernelId === undefined ? undefined : this.byKernel.get(kernelId);
  }

  /** The path of a kernel's notebook, as it is called now. */
  path(link: KernelLink): string {
    const running = [...this.services.sessions.running()];
    return running.find(session => session.kernel?.id === link.kernel.id)?.path ?? '';
  }

  private follow(panel: NotebookPanel): void {
    panel.sessionContext.kernelChanged.connect(this.update, this);
    panel.sessionContext.statusChanged.connect(this.settled, this);
    panel.disposed.connect(this.update, this);
    this.update();
  }

  private settled(): void {
    const known = [...(this.notebooks ? this.panels() : [])];
    if (known.some(kernel => this.byKernel.get(kernel.id)?.kernel !== kernel)) {
      this.update();
    }
  }

  /** Several things change at once when a notebook opens: look once. */
  private update(): void {
    if (!this.due) {
      this.due = true;
      window.setTimeout(() => {
        this.due = false;
        this.reconcile();
      }, 50);
    }
  }

  private reconcile(): void {
    const sessions = new Map<string, Session.IModel>();
    for (const session of this.services.sessions.running()) {
      if (session.kernel && this.isPython(session.kernel.name)) {
        sessions.set(session.kernel.id, session);
      }
    }
    const open = new Map([...this.panels()].map(kernel => [kernel.id, kernel]));
    for (const [id, link] of [...this.byKernel]) {
      if (!sessions.has(id)) {
        this.byKernel.delete(id);
        this.removedSignal.emit(link);
        link.dispose();
      }
    }
    for (const [id, session] of sessions) {
      const [before, connection] = [this.byKernel.get(id), open.get(id)];
      if (before && !before.kernel.isDisposed && (!connection || connection === before.kernel)) {
        continue;
      }
      const model = { id, name: session.kernel?.name ?? '' };
      this.add(new KernelLink(connection ?? this.connect(model), !connection, before?.process));
      before?.dispose();
    }
  }

  private add(link: KernelLink): void {
    this.byKernel.set(link.kernel.id, link);
    this.addedSignal.emit(link);
  }

  /**
   * To a kernel whose notebook is not open here. The widgets of another page are none of ours.
   * A clone is none of the manager's connections, of which only one may have comms: the notebook's, when it opens.
   */
  private connect(model: Kernel.IModel): Kernel.IKernelConnection {
    const registered = this.services.kernels.connectTo({ model, handleComms: false });
    const connection = registered.clone({ handleComms: true });
    connection.commsOverSubshells = CommsOverSubshells.PerCommTarget; // a cell that runs does not hold it up
    registered.dispose();
    for (const target of ['jupyter.widget', 'jupyter.widget.version', 'jupyter.widget.control']) {
      connection.registerCommTarget(target, () => undefined);
    }
    return connection;
  }

  private *panels(): Iterable<Kernel.IKernelConnection> {
    const found: Kernel.IKernelConnection[] = [];
    this.notebooks?.forEach(panel => {
      const kernel = panel.sessionContext.session?.kernel;
      if (kernel && !kernel.isDisposed) {
        found.push(kernel);
      }
    });
    yield* found;
  }

  private isPython(spec: string): boolean {
    const specs = this.services.kernelspecs.specs;
    return !specs || specs.kernelspecs[spec]?.language.toLowerCase() === 'python';
  }
}
