// Questions to the admin port of a cluster's proxy.
import { CodedError } from '../../engine/base/errors.ts';
import type { Folder } from '../folder.ts';

/** undefined where nobody listens. CodedError with the code that the admin port answers. */
export async function askAdmin(folder: Folder, path: string): Promise<unknown> {
  let response: Response;
  try {
    response = await fetch(`http://${folder.cluster.proxy.admin}${path}`, {
      headers: { authorization: `Bearer ${folder.adminToken}` },
    });
  } catch {
    return undefined;
  }
  const body = (await response.json()) as { error?: { code: string; text: string } };
  if (body.error !== undefined) throw new CodedError('HOST_OPTIONS', `${body.error.code}: ${body.error.text}`);
  if (!response.ok) throw new CodedError('TOKEN_REFUSED', `the admin port answers ${response.status}`);
  return body;
}
