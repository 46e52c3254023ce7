// `levelten call` and `levelten get`: a client of one message, through the proxy like any other.
import { CodedError } from '../../engine/base/errors.ts';
import type { OpenDocument } from '../../proxy/client/node.ts';
import { connect } from '../../proxy/client/node.ts';
import { readFolder } from '../folder.ts';
import type { Arguments } from './arguments.ts';
import { required } from './arguments.ts';
import { waitMsOf } from './operate.ts';
import { print } from './print.ts';

export async function callCommand(args: Arguments): Promise<void> {
  const example = `levelten call board/main write '{"text":"hello"}' --as alice`;
  const [doc, channel, json] = args.words;
  const name = required(doc, 'SPACE/KEY', example);
  const message = parseJson(required(json, 'JSON', example));
  await withDocument(args, name, false, example, async (document) => {
    const { seq, value } = await document.send(required(channel, 'CHANNEL', example), message);
    print(args, { seq, value }, `committed as update ${seq}: ${JSON.stringify(value)}`);
  });
}

export async function getCommand(args: Arguments): Promise<void> {
  const example = 'levelten get board/main --as alice';
  await withDocument(args, required(args.words[0], 'SPACE/KEY', example), true, example, async (document) => {
    const { seq, view } = document;
    print(args, { seq, view }, JSON.stringify(view, undefined, 2));
  });
}

async function withDocument(
  args: Arguments,
  name: string,
  readOnly: boolean,
  example: string,
  run: (document: OpenDocument) => Promise<void>,
): Promise<void> {
  const as = required(args.as, '--as NAME', example);
  const { cluster } = await readFolder(args.dir);
  const waitMs = waitMsOf(args);
  const client = connect(`ws://${cluster.proxy.address}`, { as });
  const text = `no answer in ${args.wait} s: is the cluster up? see levelten status`;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new CodedError('CONNECTION_LOST', text)), waitMs);
  });
  try {
    const document = client.open(name, { readOnly });
    await Promise.race([late, live(document).then(() => run(document))]);
  } finally {
    clearTimeout(timer);
    client.close();
  }
}

function live(document: OpenDocument): Promise<void> {
  return new Promise((resolve, reject) => {
    const look = (): void => {
      if (document.status === 'live') resolve();
      if (document.status === 'refused') reject(document.error);
    };
    document.onStatus(look);
    look();
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new CodedError('CLI_USAGE', `the message is not JSON: ${text}`, { cause });
  }
}
