// The board, seen by one person: what `view` shows is what this viewer may see, computed on the server.
import { connect } from '/levelten/proxy/client/client.js';

const $ = (id) => document.getElementById(id);
const name = new URLSearchParams(location.search).get('as') ?? '';

if (name === '') {
  $('ask').hidden = false; // the form comes back here with ?as=NAME
} else {
  show(name);
}

function show(as) {
  const board = connect(location.origin, { as }).open('board/main');
  $('name').textContent = as;
  $('who').hidden = false;
  $('board').hidden = false;
  $('second').href = `/?as=${as === 'bob' ? 'alice' : 'bob'}`;
  $('second').textContent = `Open a second viewer, as ${as === 'bob' ? 'alice' : 'bob'}`;
  document.title = `${as} - Board`;

  let answers = 0;
  const text = field($('text'), (value) => send('write', value));
  const note = field($('note'), (value) => send('note', value));

  async function send(channel, value) {
    const sentMs = performance.now();
    try {
      const answer = board.send(channel, { text: value });
      $('unsent').textContent = board.unsent;
      await answer;
      answers += 1;
      $('answers').textContent = answers;
      $('latency').textContent = `${(performance.now() - sentMs).toFixed(1)} ms`;
      $('problem').hidden = true;
    } catch (error) {
      $('problem').textContent = `${error.code ?? error.name}: ${error.message}`;
      $('problem').hidden = false;
    }
    $('unsent').textContent = board.unsent;
  }

  board.subscribe((view) => {
    text.show(view.text ?? '');
    const editor = view.editedBy?.agent;
    $('edited').textContent = editor ? `last written by ${editor === as ? 'you' : editor}` : '';
    const notes = Object.values(view.notes ?? {});
    note.show(notes[0]?.text ?? '');
    $('notes').textContent = `the view of ${as} holds ${notes.length === 1 ? '1 note' : `${notes.length} notes`}`;
    $('seq').textContent = board.seq;
  });

  board.onStatus((status) => {
    $('status').dataset.status = status;
    $('status').textContent = status === 'waiting' ? 'waiting: what you write is kept' : status;
    if (board.error !== undefined) {
      $('problem').textContent = `${board.error.code}: ${board.error.message}`;
      $('problem').hidden = false;
    }
  });

  addEventListener('beforeunload', (event) => {
    if (board.unsent > 0) event.preventDefault();
  });
}

/** A text field that leaves one send at a time: what is typed meanwhile goes next, and news waits until all is answered. */
function field(area, send) {
  let newest = '';
  let isSending = false;
  area.addEventListener('input', async () => {
    if (isSending) return;
    isSending = true;
    for (let sent; sent !== area.value; ) {
      sent = area.value;
      await send(sent);
    }
    isSending = false;
    replace(area, newest);
  });
  return {
    show(value) {
      newest = value;
      if (!isSending) replace(area, value);
    },
  };
}

/** Keeps the caret where it was. */
function replace(area, value) {
  if (area.value === value) return;
  const { selectionStart, selectionEnd } = area;
  area.value = value;
  if (document.activeElement === area) area.setSelectionRange(selectionStart, selectionEnd);
}
