// What an operator asks of a host, and has it do. Questions come from the admin port, through a proxy; whatever changes something is
// logged with who asked for it.
import type { Logger } from 'pino';
import type { Node, NodeEvent } from '../chain/node-state.ts';
import { CodedError } from '../engine/base/errors.ts';
import type { ChainId, HostId } from '../engine/base/ids.ts';
import { chainId, hostId } from '../engine/base/ids.ts';
import { lossBytesMax } from '../engine/base/limits.ts';
import type { Store } from '../engine/store/store.ts';
import type { Exporter } from './exporting.ts';
import type { Hello } from './hello.ts';
import { countArgument, describeHost, readLog } from './inspect.ts';

export type OperatorParts = {
  readonly node: Node;
  readonly hello: Hello;
  readonly store: Store;
  readonly tell: (event: NodeEvent) => void;
  readonly resident: (chain: ChainId) => number;
  readonly exporter: Exporter;
  readonly log: Logger;
};

type Arguments = Readonly<Record<string, unknown>>;

export class Operator {
  readonly #parts: OperatorParts;
  #onReplaced: ((result: object) => void) | undefined;

  constructor(parts: OperatorParts) {
    this.#parts = parts;
  }

  /** HOST_OPTIONS for a question that does not exist, or that cannot be answered as asked. */
  async answer(question: string, args: Arguments): Promise<unknown> {
    const { node, hello, resident, log } = this.#parts;
    if (question === 'status') return describeHost({ hello, node, resident });
    if (question === 'log') return this.#log(args);
    if (question === 'export') return this.#parts.exporter.answer(this.#chainOf(args), args);
    if (question === 'leave') return this.#leave(args);
    log.warn({ question, args }, 'an operator asks for a change');
    if (question === 'force-config') return this.#force(args);
    if (question === 'replace-voter') return this.#replaceVoter(args);
    throw new CodedError('HOST_OPTIONS', `unknown question ${question}`);
  }

  /** A replacement of a voter has come to an end. */
  onReplaced(result: object): void {
    this.#onReplaced?.(result);
    this.#onReplaced = undefined;
  }

  #log(args: Arguments): Promise<unknown> {
    const chain = this.#chainOf(args);
    const after = countArgument(args['after'], 'after', 0, Number.MAX_SAFE_INTEGER);
    const { store } = this.#parts;
    return readLog(store.walk(chain, store.base(chain).floor), {
      after,
      max: countArgument(args['max'], 'max', 100, 1_000),
    });
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
