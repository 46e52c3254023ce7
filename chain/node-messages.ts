// Everything that hosts say to each other over their one link, by the first byte of a frame: about one chain's log (wire.ts), about
// registers, about who lives. Each has its own grammar; nobody else knows a byte of it.
import { CodedError } from '../engine/base/errors.ts';
import type { GossipMessage } from './gossip/messages.ts';
import { decodeGossip, encodeGossip } from './gossip/wire.ts';
import type { Message } from './messages.ts';
import type { Pulse } from './pulse.ts';
import { decodePulse, encodePulse, pulseKind } from './pulse.ts';
import type { RegisterMessage } from './register/messages.ts';
import { decodeRegisterMessage, encodeRegisterMessage, isRegisterKind } from './register/wire.ts';
import type { OpenRecord } from './wire.ts';
import { decodeMessage, encodeMessage } from './wire.ts';

export type NodeMessage =
  | { readonly about: 'chain'; readonly message: Message }
  | { readonly about: 'register'; readonly message: RegisterMessage }
  | { readonly about: 'gossip'; readonly message: GossipMessage }
  | { readonly about: 'life'; readonly message: Pulse };

export function encodeNodeMessage({ about, message }: NodeMessage): Uint8Array {
  if (about === 'chain') return encodeMessage(message);
  if (about === 'register') return encodeRegisterMessage(message);
  return about === 'gossip' ? encodeGossip(message) : encodePulse(message);
}

/** CHAIN_PROTOCOL unless `bytes` are exactly one message. */
export function decodeNodeMessage(bytes: Uint8Array, openRecord: OpenRecord): NodeMessage {
  const kind = bytes[0];
  if (kind === undefined) throw new CodedError('CHAIN_PROTOCOL', 'an empty frame');
  if (kind < 32) return { about: 'chain', message: decodeMessage(bytes, openRecord) };
  if (isRegisterKind(kind)) return { about: 'register', message: decodeRegisterMessage(bytes) };
  if (kind >= 40 && kind < pulseKind) return { about: 'gossip', message: decodeGossip(bytes) };
  if (kind === pulseKind) return { about: 'life', message: decodePulse(bytes) };
  throw new CodedError('CHAIN_PROTOCOL', `unknown message kind ${kind}`);
}
