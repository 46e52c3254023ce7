// Values that change faster than they are answered: one send is on its way at a time, and the newest value goes next.

/** A function that sends what it is called with, or, while a send is on its way, the newest of that. Its promise resolves when nothing is left to send. */
export function latest(send) {
  let next;
  let sending;
  const sendAll = async () => {
    for (; next !== undefined; ) {
      const { value } = next;
      next = undefined;
      await send(value);
    }
    sending = undefined;
  };
  return (value) => {
    next = { value };
    sending ??= sendAll();
    return sending;
  };
}

/** A field that is sent while it is typed. What others wrote shows when nothing of ours is on its way any more, and the caret stays where it was. */
export function writing(field, send) {
  const sendLatest = latest(send);
  let newest = '';
  let unanswered = 0;
  field.addEventListener('input', async () => {
    unanswered += 1;
    await sendLatest(field.value);
    unanswered -= 1;
    if (unanswered === 0) replace(field, newest);
  });
  return {
    show(value) {
      newest = value;
      if (unanswered === 0) replace(field, value);
    },
  };
}

function replace(field, value) {
  if (field.value === value) return;
  const { selectionStart, selectionEnd } = field;
  field.value = value;
  if (document.activeElement === field) field.setSelectionRange(selectionStart, selectionEnd);
}
