// Every error that crosses a room or a wire, in one table: its number on our links, and what a retry means.
//
//   never    nothing happened, and the same call fails again: the caller must change something
//   later    nothing happened; try again after a pause
//   refresh  nothing happened; learn the newer configuration first, then try again
//   maybe    it may have happened: retry only with the same session and number, which cannot apply it twice
//
// APPEND ONLY: numbers travel between versions. A retired code keeps its number.

export const errorCodes = {
  ENGINE_CORRUPT: { wire: 1001, retry: 'never' },
  ENGINE_FORMAT: { wire: 1002, retry: 'never' },
  ENGINE_IDENTITY: { wire: 1003, retry: 'never' },
  ENGINE_DISK: { wire: 1004, retry: 'never' },
  ENGINE_FOLDED: { wire: 1005, retry: 'never' },
  ENGINE_BEHIND: { wire: 1006, retry: 'never' },
  ENGINE_LOST: { wire: 1007, retry: 'never' },
  ENGINE_LOCKED: { wire: 1008, retry: 'later' },
  ENGINE_FULL: { wire: 1009, retry: 'later' },
  CHAIN_PROTOCOL: { wire: 2001, retry: 'never' },
  CHAIN_NOT_SERVING: { wire: 2002, retry: 'later' },
  CHAIN_NOT_HEAD: { wire: 2003, retry: 'refresh' },
  CHAIN_BUSY: { wire: 2004, retry: 'later' },
  CHAIN_DIVERGED: { wire: 2005, retry: 'never' },
  SPACE_UNKNOWN: { wire: 3001, retry: 'never' },
  DOCUMENT_UNKNOWN: { wire: 3002, retry: 'never' },
  DOCUMENT_BUSY: { wire: 3003, retry: 'later' },
  DOCUMENT_NAME: { wire: 3004, retry: 'never' },
  CHANNEL_UNKNOWN: { wire: 3005, retry: 'never' },
  MESSAGE_INVALID: { wire: 3006, retry: 'never' },
  HANDLER_FAILED: { wire: 3007, retry: 'never' },
  UPDATE_TOO_BIG: { wire: 3008, retry: 'never' },
  SESSION_EXPIRED: { wire: 3009, retry: 'never' },
  SESSION_GAP: { wire: 3010, retry: 'later' },
  SESSION_DONE: { wire: 3011, retry: 'never' },
  SESSION_FULL: { wire: 3012, retry: 'later' },
  DOCUMENT_TOO_BIG: { wire: 3013, retry: 'never' },
  HISTORY_GONE: { wire: 3014, retry: 'never' },
  DOCUMENT_DELETED: { wire: 3015, retry: 'maybe' },
  DOCUMENT_UNREADABLE: { wire: 3016, retry: 'maybe' },
  HANDLER_STOPPED: { wire: 3017, retry: 'never' },
  VIEW_REFUSED: { wire: 3018, retry: 'never' },
  UNDO_REFUSED: { wire: 3019, retry: 'never' },
  UNDO_CONFLICT: { wire: 3020, retry: 'never' },
  DELETE_REFUSED: { wire: 3022, retry: 'never' },
  QUOTA_EXCEEDED: { wire: 3023, retry: 'never' },
  DOCUMENT_RESTS: { wire: 3021, retry: 'later' },
  DOCUMENT_NEWER: { wire: 3040, retry: 'later' },
  MIGRATION_FAILED: { wire: 3041, retry: 'later' },
  FRAME_INVALID: { wire: 4001, retry: 'never' },
  FRAME_TOO_BIG: { wire: 4002, retry: 'never' },
  AUTH_REQUIRED: { wire: 4003, retry: 'never' },
  LIMIT_REACHED: { wire: 4004, retry: 'later' },
  DOCUMENT_NOT_OPEN: { wire: 4005, retry: 'never' },
  ORIGIN_REFUSED: { wire: 4006, retry: 'never' },
  TOKEN_REFUSED: { wire: 4007, retry: 'never' },
  CONNECTION_LOST: { wire: 4008, retry: 'maybe' },
  DOCUMENT_READ_ONLY: { wire: 4009, retry: 'never' },
  CLI_USAGE: { wire: 5001, retry: 'never' },
  HOST_OPTIONS: { wire: 5002, retry: 'never' },
  PORT_TAKEN: { wire: 5003, retry: 'never' },
  APP_INVALID: { wire: 5004, retry: 'never' },
  BACKUP_CORRUPT: { wire: 5005, retry: 'never' },
  DEPLOY_REFUSED: { wire: 5040, retry: 'never' },
} as const;

export type ErrorCode = keyof typeof errorCodes;
/**
 * What a retry means: `never`: the same call fails again. `later`: nothing happened, pause and try again. `refresh`: stays between hosts and proxies.
 * `maybe`: it may have happened.
 */
export type Retry = 'never' | 'later' | 'refresh' | 'maybe';

/** An error that the world caused. Callers branch on `code`; the text is for people. */
export class CodedError extends Error {
  override readonly name = 'CodedError';
  readonly code: ErrorCode;
  constructor(code: ErrorCode, message: string, options: { cause?: unknown } = {}) {
    super(message, options);
    this.code = code;
  }
}

/** What a retry of a call refused with `code` means. A code of the application itself (`ctx.abort`) is never retried. */
export function retryOf(code: string): Retry {
  return code in errorCodes ? errorCodes[code as ErrorCode].retry : 'never';
}
