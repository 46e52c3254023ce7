// The least that a chain needs on a wire: length u32 | lsn u64 | payload, where length counts what follows it.
import type { Socket } from 'node:net';

const headerBytes = 12;
export const noPayload = Buffer.alloc(0);

export function frame(lsn: number, payload: Buffer): Buffer {
  const bytes = Buffer.allocUnsafe(headerBytes + payload.length);
  bytes.writeUInt32BE(8 + payload.length, 0);
  bytes.writeBigUInt64BE(BigInt(lsn), 4);
  payload.copy(bytes, headerBytes);
  return bytes;
}

/** Calls `onFrame` for each whole frame. The payload is a view into what was received: who keeps it copies it. */
export function readFrames(socket: Socket, onFrame: (lsn: number, payload: Buffer) => void): void {
  let rest: Buffer = noPayload;
  socket.on('data', (chunk) => {
    const bytes = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk;
    let offset = 0;
    while (bytes.length - offset >= headerBytes) {
      const end = offset + 4 + bytes.readUInt32BE(offset);
      if (end > bytes.length) break;
      onFrame(Number(bytes.readBigUInt64BE(offset + 4)), bytes.subarray(offset + headerBytes, end));
      offset = end;
    }
    rest = bytes.subarray(offset);
  });
}
