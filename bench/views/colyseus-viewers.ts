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

type Reader = { readonly room: Room; last: Uint8Array; onPatch: () => void };

const joinMsMax = 60_000;
/** The first bytes of a whole state, and of a patch. */
const stateCode = 14;
const patchCode = 15;

export async function joinColyseus(folder: string, url: string, count: number): Promise<Viewers> {
  Reflect.deleteProperty(globalThis, 'WebSocket');
  const { Client } = (await importPeer(folder, '@colyseus/sdk')) as Sdk;
  const client = new Client(url);
  let isLeaving = false;
  const enter = async (index: number): Promise<Room> => {
    const room = await client.joinOrCreate('table', { index });
    room.onLeave((code) => {
      if (!isLeaving) throw new Error(`viewer ${index} was sent away: ${code}`);
    });
    return room;
  };
  const keepers: Room[] = [];
  while (keepers.length < Math.min(keepersCount, count)) {
    const room = await enter(keepers.length);
    await untilSeated(room, count);
    keepers.push(room);
  }
  const readers: Reader[] = [];
  while (keepers.length + readers.length < count) {
    const from = keepers.length + readers.length;
    const some = Array.from({ length: Math.min(joinsMax, count - from) }, (_, more) => enter(from + more).then(read));
    readers.push(...(await Promise.all(some)));
  }
  const rooms = [...keepers, ...readers.map(({ room }) => room)];
  return {
    listen: (onTold) => {
      keepers.forEach((room, index) => {
        room.onStateChange(({ turn }) => onTold(index, turn));
      });
      readers.forEach((reader, index) => {
        let turn = 0;
        // Each change is one patch, and they come in order.
        reader.onPatch = () => {
          turn += 1;
          onTold(keepers.length + index, turn);
        };
      });
    },
    send: (work, n) => keepers[0]?.send(work, { n }),
    look: (index) => lookOf(keepers[index], index),
    last: (index) => Buffer.from(readers[index - keepers.length]?.last ?? []).toString('latin1'),
    bytes: () => rooms.reduce((sum, room) => sum + room.connection.transport.ws._socket.bytesRead, 0),
    close: async () => {
      isLeaving = true;
      await Promise.all(rooms.map((room) => room.leave()));
    },
  };
}

/** From here on nothing is decoded, the first state neither: a thousand of them would be a million players in this process. */
function read(room: Room): Promise<Reader> {
  const reader: Reader = { room, last: new Uint8Array(), onPatch: () => {} };
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error('the table is not seen')), joinMsMax);
    room.connection.events.onmessage = ({ data }) => {
      const bytes = new Uint8Array(data);
      if (bytes[0] === stateCode) {
        clearTimeout(late);
        resolve(reader);
      }
      if (bytes[0] !== patchCode) return;
      reader.last = bytes;
      reader.onPatch();
    };
  });
}

function lookOf(room: Room | undefined, index: number): ReturnType<Viewers['look']> {
  if (room === undefined) return undefined;
  const { turn = 0, players = new Map() } = room.state ?? {};
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
