/** Why a file could not be read, in words for the operator. */
export function explainFileError(error: unknown): { problem: string; mend: string } {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
  switch (code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return { problem: 'does not exist', mend: 'Make the file, or correct its name.' };
    case 'EACCES':
    case 'EPERM':
      return { problem: 'may not be read', mend: 'Give the user of this service the right to read it.' };
    case 'EISDIR':
      return { problem: 'is a folder', mend: 'Name the file in it.' };
    case 'ERR_ENCODING_INVALID_ENCODED_DATA':
      return { problem: 'is not UTF-8 text', mend: 'Save it as UTF-8.' };
    default:
      return { problem: `cannot be read (${code})`, mend: 'Check the file.' };
  }
}
