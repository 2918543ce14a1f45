/** Why a file could not be read, in words for the operator. */
export function explainFileError(error: unknown): { problem: string; remedy: string } {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
  switch (code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return { problem: 'does not exist', remedy: 'Make the file, or correct its name.' };
    case 'EACCES':
    case 'EPERM':
      return { problem: 'may not be read', remedy: 'Give the user of this service the right to read it.' };
    case 'EISDIR':
      return { problem: 'is a folder', remedy: 'Name the file in it.' };
    case 'ERR_ENCODING_INVALID_ENCODED_DATA':
      return { problem: 'is not UTF-8 text', remedy: 'Save it as UTF-8.' };
    default:
      return { problem: `cannot be read (${code})`, remedy: 'Check the file.' };
  }
}
