// Viewers of the table in Colyseus. All join with its own client library, over `ws` as ours are: the platform's own WebSocket costs more in Node.
// Some keep their view; of the others no patch is decoded.
import type { Socket } from 'node:net';
import { importPeer } from './peers.ts';
import type { Viewers } from './viewers.ts';
import { joinsMax, keepersCount, playerOf } from './work.ts';

type State = { readonly turn: number; readonly players: ReadonlyMap<string, { readonly hand?: string }> };
type Room = {
  readonly state: State | undefined;
  readonly connection: {
    readonly events: { onmessage: (event: { readonly data: ArrayBuffer }) => void };
    readonly transport: { readonly ws: { readonly _socket: Socket } };
  };
  onStateChange: ((listen: (state: State) => void) => void) & { once(listen: (state: State) => void): void };
  onLeave(listen: (code: number) => void): void;
  send(type: string, message: object): void;
  leave(): Promise<unknown>;
};
type Sdk = {
  readonly Client: new (url: string) => { joinOrCreate(name: string, options: object): Promise<Room> };
};

const joinMsMax = 60_000;
/** The first byte of a patch. */
const patchCode = 15;

export async function joinColyseus(folder: string, url: string, count: number): Promise<Viewers> {
  Reflect.deleteProperty(globalThis, 'WebSocket');
  const { Client } = (await importPeer(folder, '@colyseus/sdk')) as Sdk;
  const client = new Client(url);
  const rooms: Room[] = [];
  const last: (Uint8Array | undefined)[] = [];
  let isLeaving = false;
  const enter = async (index: number): Promise<Room> => {
    const room = await client.joinOrCreate('table', { index });
    room.onLeave((code) => {
      if (!isLeaving) throw new Error(`viewer ${index} was sent away: ${code}`);
    });
    await untilSeated(room, count);
    return room;
  };
  rooms.push(await enter(0));
  while (rooms.length < count) {
    const some = Math.min(joinsMax, count - rooms.length);
    rooms.push(...(await Promise.all(Array.from({ length: some }, (_, more) => enter(rooms.length + more)))));
  }
  return {
    listen: (onTold) => {
      rooms.forEach((room, index) => {
        if (index < keepersCount) room.onStateChange(({ turn }) => onTold(index, turn));
        else
          read(room, (bytes, turn) => {
            last[index] = bytes;
            onTold(index, turn);
          });
      });
    },
    send: (work, n) => rooms[0]?.send(work, { n }),
    look: (index) => (index < keepersCount ? lookOf(rooms[index], index) : undefined),
    last: (index) => Buffer.from(last[index] ?? []).toString('latin1'),
    bytes: () => rooms.reduce((sum, room) => sum + room.connection.transport.ws._socket.bytesRead, 0),
    close: async () => {
      isLeaving = true;
      await Promise.all(rooms.map((room) => room.leave()));
    },
  };
}

/** Each change is one patch, and they come in order. */
function read({ connection }: Room, onPatch: (bytes: Uint8Array, turn: number) => void): void {
  let turn = 0;
  connection.events.onmessage = ({ data }) => {
    const bytes = new Uint8Array(data);
    if (bytes[0] !== patchCode) return;
    turn += 1;
    onPatch(bytes, turn);
  };
}

function lookOf(room: Room | undefined, index: number): ReturnType<Viewers['look']> {
  const { turn = 0, players = new Map() } = room?.state ?? {};
  const own = playerOf(index);
  const others = [...players].filter(([key, { hand }]) => key !== own && hand !== undefined && hand !== '').length;
  return { turn, hand: players.get(own)?.hand ?? '', others };
}

function untilSeated(room: Room, count: number): Promise<void> {
  const isSeated = (): boolean => room.state?.players?.size === count;
  if (isSeated()) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error('the table is not seen')), joinMsMax);
    room.onStateChange.once(() => {
      clearTimeout(late);
      if (isSeated()) resolve();
      else reject(new Error('the first state is not whole'));
    });
  });
}
