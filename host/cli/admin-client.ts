// Questions to the admin port of a cluster's proxy.
import type { ErrorCode } from '../../engine/base/errors.ts';
import { CodedError, errorCodes } from '../../engine/base/errors.ts';
import type { Answer, ChainOverview, HostOverview, Voters } from '../../proxy/overview.ts';
import type { Folder } from '../folder.ts';

/** What `levelten status --json` prints: proxy/admin.ts lays it out. */
export type Status = {
  readonly hosts: readonly (Answer & HostOverview & { readonly text?: string })[];
  readonly chains: readonly ChainOverview[];
  readonly voters: Voters | null;
};

/** undefined where nobody listens, or goes before it has answered. CodedError with the code that the admin port, or the host behind it, answers. */
export async function askAdmin(folder: Folder, path: string, body?: object): Promise<unknown> {
  let response: Response;
  let answer: Refusal & { readonly error?: Refusal };
  try {
    response = await fetch(`http://${folder.cluster.proxy.admin}${path}`, {
      headers: { authorization: `Bearer ${folder.adminToken}` },
      ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
    });
    answer = (await response.json()) as typeof answer;
  } catch {
    return undefined;
  }
  const refusal = answer.error ?? (response.ok ? undefined : answer);
  if (refusal === undefined) return answer;
  const code = Object.hasOwn(errorCodes, refusal.code) ? (refusal.code as ErrorCode) : 'HOST_OPTIONS';
  throw new CodedError(code, refusal.text);
}

type Refusal = { readonly code: string; readonly text: string };

/** CONNECTION_LOST where nobody listens. */
export async function readStatus(folder: Folder): Promise<Status> {
  return orNobody(folder, (await askAdmin(folder, '/status')) as Status | undefined);
}

/** Who heads a chain. CHAIN_NOT_SERVING where nobody does. */
export async function headOf(folder: Folder, number: number): Promise<string> {
  const { chains } = await readStatus(folder);
  const chain = chains.find((one) => one.chain === number);
  if (chain?.serving === true && chain.head !== null) return chain.head;
  const why = chain?.reason === undefined ? '' : ` (${chain.reason})`;
  throw new CodedError('CHAIN_NOT_SERVING', `chain ${number} does not serve${why}: see levelten status`);
}

/** Has a host do something: the questions of host/operator.ts. */
export async function tellHost(folder: Folder, host: string, question: string, args: object): Promise<unknown> {
  return orNobody(folder, await askAdmin(folder, '/ask', { host, question, args }));
}

export function orNobody<T>(folder: Folder, answer: T | undefined): T {
  if (answer !== undefined) return answer;
  throw new CodedError('CONNECTION_LOST', `nothing listens on ${folder.cluster.proxy.admin}: start with levelten up`);
}

/** How often a command looks whether what it asked for has come about. */
const pollMs = 100;

/** The first status that `holds`, or the last one in `waitMs`. */
export async function untilStatus(
  folder: Folder,
  waitMs: number,
  holds: (status: Status) => boolean,
): Promise<{ readonly status: Status; readonly isReached: boolean }> {
  const endMs = performance.now() + waitMs;
  for (;;) {
    const status = await readStatus(folder);
    const isReached = holds(status);
    if (isReached || performance.now() >= endMs) return { status, isReached };
    await new Promise((done) => setTimeout(done, pollMs));
  }
}
