// What must not come behind counter-2.ts: its documents hold a number there.
import { app, document, open, t } from '../../engine/document/define.ts';

const counter = document({ value: t.string('') })
  .version(2, {})
  .privacy({ value: open })
  .events({ invent: () => true });

export default app({ spaces: { counter } });
