// Round trips of 200 B over one `ws` connection on loopback, 1 and 64 in flight; the echo is a process of its own.
import { once } from 'node:events';
import { WebSocket } from 'ws';
import { type Context, describePoint, type MeasureRow, type Point, pointOf, row } from '../measure.ts';
import { onStage } from '../processes.ts';

const inFlightCounts = [1, 64];
const frameBytes = 200;

export function measureWsEcho({ secondsPerPoint, progress }: Context, port = 0): Promise<MeasureRow[]> {
  return onStage(async (stage) => {
    const echo = stage.child(new URL('./ws-echo-server.js', import.meta.url));
    const echoPort = await echo.ask('start', { port });
    const socket = new WebSocket(`ws://127.0.0.1:${echoPort}`, { perMessageDeflate: false });
    await once(socket, 'open');
    stage.onRelease(() => socket.terminate());
    const rows: MeasureRow[] = [];
    for (const inFlight of inFlightCounts) {
      const point = await measure(socket, inFlight, secondsPerPoint);
      const what = `ws echo of ${frameBytes} B, ${inFlight} in flight`;
      progress(`L2.${inFlight}  ${what}: ${describePoint(point)}`);
      rows.push(row({ id: `L2.${inFlight}`, what, value: point.perSecond, unit: 'round trips/s' }));
    }
    return rows;
  });
}

function measure(socket: WebSocket, inFlight: number, seconds: number): Promise<Point> {
  const frame = Buffer.alloc(frameBytes, 'x');
  const latenciesMs: number[] = [];
  const sentMs: number[] = [];
  const startMs = performance.now();
  const send = (): void => {
    sentMs.push(performance.now());
    socket.send(frame);
  };
  return new Promise((resolve, reject) => {
    let next = 0;
    socket.once('close', () => reject(new Error('the echo closed the connection')));
    socket.on('message', () => {
      const nowMs = performance.now();
      // One connection keeps the order, so the oldest send is the one answered.
      latenciesMs.push(nowMs - (sentMs[next] ?? nowMs));
      next += 1;
      if (nowMs - startMs < seconds * 1000) send();
      if (next < sentMs.length) return;
      socket.removeAllListeners('message').removeAllListeners('close');
      resolve(pointOf(latenciesMs, (nowMs - startMs) / 1000));
    });
    for (let index = 0; index < inFlight; index += 1) send();
  });
}
