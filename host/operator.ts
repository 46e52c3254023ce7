// What an operator asks of a host, and has it do. Questions come from the admin port, through a proxy; whatever changes something is
// logged with who asked for it.
import type { Logger } from 'pino';
import type { Node, NodeEvent } from '../chain/node-state.ts';
import { placeDocument } from '../chain/placement.ts';
import { CodedError } from '../engine/base/errors.ts';
import type { ChainId, DocumentName, HostId } from '../engine/base/ids.ts';
import { chainId, documentName, hostId } from '../engine/base/ids.ts';
import { historyLinesMax, logRecordsAskedMax, lossBytesMax, pendingCountedMax } from '../engine/base/limits.ts';
import { quotaChannel } from '../engine/document/document.ts';
import { noBase } from '../engine/store/entries.ts';
import { countPending } from '../engine/store/erasing.ts';
import type { Store } from '../engine/store/store.ts';
import type { Deployer } from './deploying.ts';
import type { Desk } from './desk.ts';
import type { Exporter } from './exporting.ts';
import type { Hello } from './hello.ts';
import { deleteDocument, listHistory, rewindDocument } from './history.ts';
import { countArgument, describeHost, readLog } from './inspect.ts';
import type { Memory } from './memory.ts';
import type { Scrub } from './scrub.ts';
import { readStates } from './states.ts';

export type OperatorParts = {
  readonly node: Node;
  readonly hello: Hello;
  readonly store: Store;
  readonly tell: (event: NodeEvent) => void;
  readonly scrub: Pick<Scrub, 'ask' | 'status' | 'result'>;
  /** Since 1970: how far clocks are apart. */
  readonly wallMs: () => number;
  /** Undefined where the chain is not headed here. */
  readonly deskOf: (chain: ChainId) => Desk | undefined;
  readonly exporter: Exporter;
  readonly deployer: Deployer;
  readonly memory: Pick<Memory, 'documents' | 'bytes'>;
  readonly log: Logger;
};

type Arguments = Readonly<Record<string, unknown>>;

/** What an account counts; `claims` of which nothing is known yet are among it. */
export type AccountState = { readonly documents: number; readonly bytes: number; readonly claims: number };

export class Operator {
  readonly #parts: OperatorParts;
  #onReplaced: ((result: object) => void) | undefined;

  constructor(parts: OperatorParts) {
    this.#parts = parts;
  }

  /** HOST_OPTIONS for a question that does not exist, or that cannot be answered as asked. */
  async answer(question: string, args: Arguments): Promise<unknown> {
    const { log } = this.#parts;
    if (question === 'status') return await this.#status();
    if (question === 'log') return this.#log(args);
    if (question === 'verify') return this.#verify(args);
    if (question === 'history') return this.#history(args);
    if (question === 'quota') return this.#quota(args);
    if (question === 'export') return this.#parts.exporter.answer(this.#chainOf(args), args);
    if (question === 'states') return this.#states(args);
    if (question === 'leave') return this.#leave(args);
    if (question === 'deploy' && args['isTrial'] === true) return this.#parts.deployer.answer(args);
    log.warn({ question, args }, 'an operator asks for a change');
    if (question === 'force-config') return this.#force(args);
    if (question === 'replace-voter') return this.#replaceVoter(args);
    if (question === 'rewind') return this.#rewind(args);
    if (question === 'delete') return this.#delete(args);
    if (question === 'deploy') return this.#parts.deployer.answer(args);
    throw new CodedError('HOST_OPTIONS', `unknown question ${question}`);
  }

  /** A replacement of a voter has come to an end. */
  onReplaced(result: object): void {
    this.#onReplaced?.(result);
    this.#onReplaced = undefined;
  }

  /** What waits to be erased is read behind where logs are trimmed to: what is trimmed and does not wait is erased. */
  async #status(): Promise<unknown> {
    const { node, hello, store, deskOf, scrub, memory, wallMs } = this.#parts;
    const bases = new Map([...node.chains.keys()].map((chain) => [chain, store.base(chain)]));
    const waiting = new Map<ChainId, number>();
    for (const [chain, { hasLeftover }] of bases) {
      // What an unfinished copy left is of documents that may be deleted since.
      waiting.set(chain, (hasLeftover ? 1 : 0) + (await countPending(store, chain, pendingCountedMax)));
    }
    const described = describeHost({
      hello,
      node,
      resident: (chain) => deskOf(chain)?.residentCount ?? 0,
      base: (chain) => bases.get(chain) ?? noBase,
      erasing: (chain) => waiting.get(chain) ?? 0,
    });
    const { documents, bytes } = memory;
    return { ...described, wallMs: wallMs(), scrub: scrub.status, memory: { documents, bytes } };
  }

  async #log(args: Arguments): Promise<unknown> {
    const chain = this.#chainOf(args);
    const [any, few] = [Number.MAX_SAFE_INTEGER, logRecordsAskedMax];
    const { document, kind, epoch } = args;
    const view = this.#parts.store.view();
    try {
      return await readLog(view, chain, {
        after: countArgument(args['after'], 'after', 0, any),
        before: countArgument(args['before'], 'before', any, any),
        max: countArgument(args['max'], 'max', 100, few),
        ...(document === undefined ? {} : { document: String(document) }),
        ...(kind === undefined ? {} : { kind: String(kind) }),
        ...(epoch === undefined ? {} : { epoch: countArgument(epoch, 'epoch', 0, any) }),
      });
    } finally {
      await view.close();
    }
  }

  /** Without a pass: has the store walked, and says which pass that is. With one: what it found, once it has ended. */
  #verify(args: Arguments): unknown {
    const { scrub, log, hello } = this.#parts;
    const { boot } = hello;
    if (args['pass'] === undefined) {
      log.info('an operator has the store walked');
      return { boot, pass: scrub.ask(), report: null };
    }
    const pass = countArgument(args['pass'], 'pass', 0, Number.MAX_SAFE_INTEGER);
    const { chains, records, bytes } = scrub.status;
    const { result } = scrub;
    const report = result !== undefined && result.pass >= pass ? result.report : null;
    return { boot, pass, chains, records, bytes, report };
  }

  async #history(args: Arguments): Promise<unknown> {
    const { desk, name } = this.#documentOf(args);
    const before = countArgument(args['before'], 'before', Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
    return await listHistory(desk, name, before, countArgument(args['max'], 'max', 20, historyLinesMax));
  }

  /** Of an account: as it is when all that it has seen is committed. */
  async #quota(args: Arguments): Promise<AccountState> {
    const { desk, name } = this.#documentOf(args);
    const letter = { from: name, incarnation: '', n: 0, channel: quotaChannel, message: 'null' };
    const { json } = await desk.life.receive(name, letter);
    const { documents = 0, bytes = 0, claims = 0 } = JSON.parse(json) as Partial<AccountState>;
    return { documents, bytes, claims };
  }

  async #rewind(args: Arguments): Promise<unknown> {
    const { desk, name } = this.#documentOf(args);
    const to = countArgument(args['to'], 'to', 0, Number.MAX_SAFE_INTEGER);
    return { name, to, seq: await rewindDocument(desk, name, to) };
  }

  /** `through`: once a member has folded and trimmed its log up to this record, and nothing waits to be erased there, no byte of it is left. */
  async #delete(args: Arguments): Promise<unknown> {
    const { desk, name } = this.#documentOf(args);
    const { seq, lsn } = await deleteDocument(desk, name);
    return { name, seq, chain: placeDocument(name, this.#parts.node.chains.size), through: lsn };
  }

  async #states(args: Arguments): Promise<unknown> {
    const desk = this.#parts.deskOf(this.#chainOf(args));
    if (desk === undefined) throw new CodedError('CHAIN_NOT_HEAD', 'the chain is not headed here');
    return await readStates(desk, String(args['space'] ?? ''), String(args['after'] ?? ''));
  }

  /** CHAIN_NOT_HEAD where another host heads its chain. */
  #documentOf(args: Arguments): { readonly desk: Desk; readonly name: DocumentName } {
    const { name } = documentName(String(args['name'] ?? ''));
    const desk = this.#parts.deskOf(placeDocument(name, this.#parts.node.chains.size));
    if (desk === undefined) throw new CodedError('CHAIN_NOT_HEAD', `the chain of ${name} is not headed here`);
    return { desk, name };
  }

  /** This host is emptied, or takes chains again: until its process ends. */
  #leave(args: Arguments): unknown {
    const isLeaving = args['isLeaving'] === true;
    this.#parts.log.warn({ isLeaving }, 'an operator moves chains');
    this.#parts.tell({ kind: 'leave', isLeaving });
    return { isLeaving };
  }

  /** C12: a chain goes on with what these hosts hold, complete or not. What that may lose is said, recorded, and for the operator to know. */
  #force(args: Arguments): unknown {
    const { node, tell, log } = this.#parts;
    const chain = this.#chainOf(args);
    const order = String(args['members'] ?? '')
      .split(',')
      .map(hostId);
    const loss = String(args['loss'] ?? '');
    if (loss === '' || Buffer.byteLength(loss) > lossBytesMax)
      throw new CodedError('HOST_OPTIONS', 'say what loss is accepted');
    const strange = order.filter((host) => !node.options.hosts.includes(host));
    if (strange.length > 0) throw new CodedError('HOST_OPTIONS', `${strange.join(', ')} are no hosts of this cluster`);
    const known = node.chains.get(chain)?.replica.known;
    log.error({ chain, order, loss, known }, 'an operator accepts a loss');
    tell({ kind: 'chain', chain, event: { kind: 'abandon' } });
    tell({ kind: 'chain', chain, event: { kind: 'reconfigure', intention: { order, serversMin: 1, loss } } });
    return { chain, order, loss, above: known?.epoch ?? 0 };
  }

  /** Resolves when the old voter is forgotten, or with the reason why it is not. */
  #replaceVoter(args: Arguments): Promise<unknown> {
    const { node, tell } = this.#parts;
    const [old, young] = [hostId(String(args['old'] ?? '')), hostId(String(args['new'] ?? ''))];
    const { voters } = node.registers.acceptor.voters;
    const leaver = voters.find(({ host }) => host === old);
    const storeId = this.#storeOf(young);
    if (leaver === undefined) throw new CodedError('HOST_OPTIONS', `${old} is no voter`);
    if (storeId === undefined)
      throw new CodedError('HOST_OPTIONS', `${young} is not connected: its store is not known`);
    if (this.#onReplaced !== undefined) throw new CodedError('HOST_OPTIONS', 'a voter is being replaced from here');
    if (leaver.storeId === storeId) throw new CodedError('HOST_OPTIONS', `${young} is that voter, with its own store`);
    return new Promise((resolve) => {
      this.#onReplaced = (result) => resolve({ old: leaver, new: { host: young, storeId }, ...result });
      tell({ kind: 'replaceVoter', leaver, joiner: { host: young, storeId } });
    });
  }

  #storeOf(host: HostId): string | undefined {
    const first = [...this.#parts.node.chains.values()][0];
    const peer = first?.replica.peers.get(host);
    return peer?.isConnected === true ? peer.storeId : undefined;
  }

  #chainOf(args: Arguments): ChainId {
    const chain = chainId(countArgument(args['chain'], 'chain', 0, 65_535));
    if (this.#parts.node.chains.has(chain)) return chain;
    throw new CodedError('HOST_OPTIONS', `there is no chain ${chain}`);
  }
}
