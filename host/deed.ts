// What comes of what is done to a document beside its messages.

/** The seq of a document when something was done to it, and a record through which that is committed. */
export type Done = { readonly seq: number; readonly lsn: number };
