// Viewers of the table in levelten, over a proxy.
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { WebSocket } from 'ws';
import type { OpenDocument } from '../../proxy/client/client.ts';
import { connect } from '../../proxy/client/node.ts';
import type { Viewers } from './viewers.ts';
import { joinsMax, keepersCount, playerOf } from './work.ts';

type Row = { readonly who: { readonly agent: string }; readonly hand?: string };
type View = { readonly turn?: number; readonly players?: readonly Row[] };
type Keeper = { readonly document: OpenDocument<View>; readonly socket: WebSocket; close(): void };
/** One who only reads. */
type Reader = { readonly socket: WebSocket; last: string; onTold: (turn: number) => void };

const seatsAtOnce = 100;
const joinMsMax = 60_000;
const subprotocol = 'levelten.v1.json';
const doc = 'table/one';
const turnBegins = '"turn":';

export async function joinLevelten(url: string, count: number): Promise<Viewers> {
  const keepers = [keep(url, 0, false)];
  const [first] = keepers as [Keeper];
  for (let from = 0; from < count; from += seatsAtOnce) {
    await first.document.send('seat', { from, to: Math.min(from + seatsAtOnce, count) });
  }
  while (keepers.length < Math.min(keepersCount, count)) keepers.push(keep(url, keepers.length, true));
  await Promise.all(keepers.map(({ document }) => untilSeated(document, count)));
  const readers: Reader[] = [];
  while (keepers.length + readers.length < count) {
    const from = keepers.length + readers.length;
    const some = Array.from({ length: Math.min(joinsMax, count - from) }, (_, more) => read(url, from + more));
    readers.push(...(await Promise.all(some)));
  }
  const sockets = [...keepers, ...readers].map(({ socket }) => socket);
  return {
    listen: (onTold) => {
      keepers.forEach(({ document }, index) => {
        document.subscribe(({ turn = 0 }) => onTold(index, turn));
      });
      readers.forEach((reader, index) => {
        reader.onTold = (turn) => onTold(keepers.length + index, turn);
      });
    },
    send: (work, n) => void first.document.send(work, { n }),
    look: (index) => lookOf(keepers[index]?.document, index),
    last: (index) => readers[index - keepers.length]?.last,
    bytes: () => sockets.reduce((sum, socket) => sum + (socket as unknown as { _socket: Socket })._socket.bytesRead, 0),
    close: async () => {
      for (const keeper of keepers) keeper.close();
      for (const { socket } of readers) socket.close();
    },
  };
}

/** With levelten's own client, which takes any WebSocket: this one is the usual, and known here. */
function keep(url: string, index: number, readOnly: boolean): Keeper {
  const sockets: WebSocket[] = [];
  class Known extends WebSocket {
    constructor(address: string, protocol: string) {
      super(address, protocol, { perMessageDeflate: false });
      sockets.push(this);
    }
  }
  const client = connect(url, { as: playerOf(index), WebSocket: Known as never });
  const document = client.open<View>(doc, { readOnly });
  return { document, socket: sockets[0] as WebSocket, close: () => client.close() };
}

function lookOf(document: OpenDocument<View> | undefined, index: number): ReturnType<Viewers['look']> {
  if (document === undefined) return undefined;
  const { turn = 0, players = [] } = document.view ?? {};
  const own = players.find(({ who }) => who.agent === playerOf(index));
  const others = players.filter((row) => row !== own && row.hand !== undefined).length;
  return { turn, hand: own?.hand ?? '', others };
}

/** Resolves with the first view. */
async function read(url: string, index: number): Promise<Reader> {
  const socket = new WebSocket(url, [subprotocol], { perMessageDeflate: false });
  await once(socket, 'open');
  const reader: Reader = { socket, last: '', onTold: () => {} };
  const seen = new Promise<void>((resolve) => {
    socket.on('message', (data) => {
      for (const line of String(data).split('\n')) {
        const turn = turnIn(line);
        if (turn === undefined) continue;
        reader.last = line;
        reader.onTold(turn);
        resolve();
      }
    });
  });
  socket.send(`${JSON.stringify({ t: 'hello', as: playerOf(index) })}\n${JSON.stringify({ t: 'open', doc })}`);
  await seen;
  return reader;
}

/** Of a view or a delta: each change is one of the turn too. */
function turnIn(line: string): number | undefined {
  const at = line.indexOf(turnBegins);
  return at < 0 ? undefined : Number.parseInt(line.slice(at + turnBegins.length, at + turnBegins.length + 12), 10);
}

function untilSeated(document: OpenDocument<View>, count: number): Promise<void> {
  const isSeated = (): boolean => document.view?.players?.length === count;
  if (isSeated()) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`${document.status}: the table is not seen`)), joinMsMax);
    const end = document.subscribe(() => {
      if (!isSeated()) return;
      clearTimeout(late);
      end();
      resolve();
    });
  });
}
