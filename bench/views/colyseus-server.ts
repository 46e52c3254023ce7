// A child process: the table of P4.views as a room of Colyseus, in memory, each client with a view of his own. A change is sent as soon as it is
// made, and not at the next of so many patches a second: one change, one patch to each client, as on our side.
import { createServer } from 'node:http';
import { answerParent } from '../processes.ts';
import { importPeer } from './peers.ts';
import { handOf, heldOf, moverOf, playerOf } from './work.ts';

type Player = { hand: string; held: number };
type State = { turn: number; readonly players: Map<string, Player> };
type RoomClient = { view: unknown };
type Builder = { view(): Builder };
type Room = {
  state: State;
  patchRate: number | null;
  autoDispose: boolean;
  onMessage(type: string, take: (client: RoomClient, message: { readonly n: number }) => void): void;
  broadcastPatch(): boolean;
};
type Core = {
  readonly Room: new () => Room;
  readonly Server: new (
    options: object,
  ) => {
    define(name: string, room: new () => Room): void;
    listen(port: number, address: string): Promise<void>;
    gracefullyShutdown(exit: boolean): Promise<void>;
  };
};
type Schema = {
  readonly schema: (fields: object, name: string) => new () => unknown;
  readonly t: { string(): Builder; number(): Builder; map(of: unknown): Builder };
  readonly StateView: new () => { add(player: Player): void };
  readonly Encoder: { BUFFER_SIZE: number };
};
type Transport = { readonly WebSocketTransport: new (options: object) => object };

export type ColyseusServer = { readonly folder: string; readonly players: number };

/** More than any state or patch here: it would be enlarged, each time with a warning. */
const bufferBytes = 4 * 1024 * 1024;

answerParent({
  start: async ({ folder, players }: ColyseusServer): Promise<number> => {
    const core = (await importPeer(folder, '@colyseus/core')) as Core;
    const schema = (await importPeer(folder, '@colyseus/schema')) as Schema;
    const { WebSocketTransport } = (await importPeer(folder, '@colyseus/ws-transport')) as Transport;
    schema.Encoder.BUFFER_SIZE = bufferBytes;
    const http = createServer();
    const transport = new WebSocketTransport({ server: http });
    const server = new core.Server({ transport, greet: false, gracefullyShutdown: false });
    server.define('table', roomOf(core, schema, players));
    await server.listen(0, '127.0.0.1');
    process.once('SIGTERM', () => process.exit(0));
    const address = http.address();
    return address !== null && typeof address === 'object' ? address.port : 0;
  },
});

function roomOf({ Room }: Core, { schema, t, StateView }: Schema, count: number): new () => Room {
  const PlayerState = schema({ hand: t.string().view(), held: t.number() }, 'Player');
  const TableState = schema({ turn: t.number(), players: t.map(PlayerState) }, 'Table');
  return class extends Room {
    override patchRate = null;
    override autoDispose = false;

    onCreate(): void {
      const state = new TableState() as State;
      state.turn = 0;
      for (let index = 0; index < count; index += 1) {
        const player = new PlayerState() as Player;
        player.hand = handOf(0, index);
        player.held = 0;
        state.players.set(playerOf(index), player);
      }
      this.state = state;
      this.onMessage('move', (_client, { n }) => this.#move(n));
      this.onMessage('deal', (_client, { n }) => this.#deal(n));
    }

    onJoin(client: RoomClient, { index }: { readonly index: number }): void {
      const view = new StateView();
      view.add(this.#playerAt(index));
      client.view = view;
    }

    #move(n: number): void {
      const index = moverOf(n, count);
      const player = this.#playerAt(index);
      player.hand = handOf(n, index);
      player.held = heldOf(n);
      this.state.turn = n;
      this.broadcastPatch();
    }

    #deal(n: number): void {
      for (let index = 0; index < count; index += 1) this.#playerAt(index).hand = handOf(n, index);
      this.state.turn = n;
      this.broadcastPatch();
    }

    #playerAt(index: number): Player {
      const player = this.state.players.get(playerOf(index));
      if (player === undefined) throw new Error(`there is no player ${index}`);
      return player;
    }
  };
}
