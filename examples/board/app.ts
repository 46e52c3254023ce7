// A board of notes, which everyone sees and changes at once. A note can be written in hiding first: until its author shows it, nobody else is told that it
// is there.
import type { Context, Principal, TableDraft } from 'levelten';
import { app, document, open, requires, same, t } from 'levelten';
import { z } from 'zod';

const colours = ['yellow', 'green', 'blue', 'pink'] as const;
const notesEach = 100;
const fields = {
  by: t.principal(),
  text: t.string(''),
  colour: t.enum(colours),
  /** Thousandths of the way to the right edge, and to the lower one. */
  x: t.int(0),
  y: t.int(0),
  /** The update that touched it last: what was touched later lies above. */
  touched: t.int(0),
  isHidden: t.boolean(false),
};
const look = {
  text: z.string().max(1_000),
  colour: z.enum(colours),
  x: z.int().min(0).max(1_000),
  y: z.int().min(0).max(1_000),
};

/** A note that the sender sees: of others he does not learn that they are there. */
function noteOf(notes: TableDraft<typeof fields>, id: string, who: Principal, ctx: Context) {
  const note = notes.get(id);
  return note === undefined || (note.isHidden && !same(note.by, who)) ? ctx.abort('NO_SUCH_NOTE') : note;
}

export const board = document({
  /** What it is about. */
  text: t.string(''),
  editedBy: t.principal(),
  notes: t.table(fields, { index: ['by'] }),
})
  .policies({ mayRead: ({ row, who }) => !row.isHidden || same(row.by, who) })
  .privacy({ text: open, editedBy: open, notes: requires('mayRead', open) })
  .events({ invent: () => true })
  .channel('write', z.object({ text: z.string().max(5_000) }), ({ doc, message, who }) => {
    doc.text = message.text;
    doc.editedBy = who;
  })
  /** Where a note is dragged just now; its place is written when it is let go. */
  .ephemeral('drag', z.object({ id: z.string(), x: look.x, y: look.y }), {
    see: open,
    check: ({ doc, message }) => doc.notes.get(message.id)?.isHidden === false,
  })
  .channel('add', z.object({ ...look, isHidden: z.boolean() }).partial(), ({ doc, message, who, ctx }) => {
    if (doc.notes.where({ by: who }).count() >= notesEach) ctx.abort('TOO_MANY', `${notesEach} notes each`);
    const note = doc.notes.add({ by: who, touched: ctx.seq });
    Object.assign(note, message);
    return note.id;
  })
  .channel('change', z.object(look).partial().extend({ id: z.string() }), ({ doc, message, who, ctx }) => {
    const { id, ...change } = message;
    Object.assign(noteOf(doc.notes, id, who, ctx), change, { touched: ctx.seq });
  })
  .channel('hide', z.object({ id: z.string(), isHidden: z.boolean() }), ({ doc, message, who, ctx }) => {
    const note = noteOf(doc.notes, message.id, who, ctx);
    if (!same(note.by, who)) ctx.abort('NOT_YOURS');
    note.isHidden = message.isHidden;
    note.touched = ctx.seq;
  })
  .channel(
    'remove',
    z.object({ id: z.string() }),
    ({ doc, message, who, ctx }) => {
      doc.notes.delete(noteOf(doc.notes, message.id, who, ctx).id);
    },
    { undo: true },
  );

export default app({ spaces: { board } });
