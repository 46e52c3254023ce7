// A child process: the bare chain's head behind one batched link of a proxy. A document is a value that each send replaces.
import { createServer } from 'node:http';
import { Packr } from 'msgpackr';
import { type WebSocket, WebSocketServer } from 'ws';
import { answerParent } from '../processes.ts';
import { type HeadOptions, openHead } from './bare-head.ts';
import { listen } from './bare-socket.ts';

type Message = { readonly v: string };
/** What the proxy asks for, and what it gets back once it is committed. */
export type BareSend = readonly [connection: number, document: string, n: number, message: Message];
export type BareAnswer = readonly [connection: number, n: number, seq: number, message: Message];

answerParent({ start });

async function start({ port, ...options }: HeadOptions & { readonly port: number }): Promise<number> {
  const link = new Packr({ useRecords: false });
  const states = new Map<string, { seq: number; v: string }>();
  let proxy: WebSocket | undefined;
  const submit = await openHead<BareAnswer>(options, (answers) => proxy?.send(link.pack(answers)));
  const handle = ([connection, document, n, message]: BareSend): void => {
    const state = states.get(document) ?? { seq: 0, v: '' };
    const undo = { v: state.v };
    state.v = message.v;
    state.seq += 1;
    states.set(document, state);
    const update = { doc: document, seq: state.seq, who: connection, n, redo: message, undo };
    submit(update, [connection, n, state.seq, message]);
  };
  const server = createServer();
  new WebSocketServer({ server, perMessageDeflate: false }).on('connection', (socket) => {
    proxy = socket;
    socket.on('message', (data) => {
      for (const send of link.unpack(data as Buffer) as BareSend[]) handle(send);
    });
  });
  return listen(server, port);
}
