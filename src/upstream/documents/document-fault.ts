/** A document of the IdP is not fit for use; `message` says why, in words for the log. */
export class DocumentFault extends Error {
  override readonly name = 'DocumentFault';
}
