/** The file of a `sqlite:` URL, as written: `sqlite:x.db`, `sqlite:/abs/x.db` and `sqlite:///abs/x.db` are understood. */
export function sqliteFile(url: string): string {
  return url.slice('sqlite:'.length).replace(/^\/\/(?=\/)/, '');
}

/** What is wrong with the file of a `sqlite:` URL, as the rest of a sentence; `undefined` if nothing is. */
export function sqliteFileFault(file: string): string | undefined {
  if (file === '') return 'must name a file after sqlite:';
  if (file.includes(':memory:')) return 'must name a file: sessions have to survive a restart';
  if (/[?#\x00]/.test(file) || file.endsWith('/')) return 'must name a file, without parameters (? or #)';
  return undefined;
}
