/** How long the parts of a request may be before anything is made of them: no document can state more. */

/** Request target, in characters. */
export const TARGET_LIMIT = 8192;
/** Value of a form's field, in characters. */
export const VALUE_LIMIT = 32_768;
/** All header fields together, in bytes. */
export const HEADER_BYTES = 16_384;
