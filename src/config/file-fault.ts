/** Why a file could not be read, as a message for the operator. */
export function explainFileError(error: unknown): { problem: string; remedy: string } {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
  switch (code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return { problem: 'does not exist', remedy: 'Create the file, or correct its name.' };
    case 'EACCES':
    case 'EPERM':
      return {
        problem: 'may not be read by this user',
        remedy: 'Give the user of this service permission to read it.',
      };
    case 'EISDIR':
      return { problem: 'is a folder', remedy: 'Write the name of a file.' };
    case 'ERR_ENCODING_INVALID_ENCODED_DATA':
      return { problem: 'is not UTF-8 text', remedy: 'Save it as UTF-8.' };
    default:
      return { problem: `cannot be read (${code})`, remedy: 'Check the file.' };
  }
}
