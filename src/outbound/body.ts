import { pipeline, type Readable } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { OutboundFault } from './outbound-fault.ts';

/**
 * Reads a body to its end as strict UTF-8. Stops at the first byte above the cap, counted after decompression, so that a
 * small answer cannot unfold into a large one. Throws {@link OutboundFault}.
 */
export async function readBody(
  body: Readable,
  options: {
    encoding: string | undefined;
    announcedBytes: string | undefined;
    maxBytes: number;
    where: string;
  },
): Promise<string> {
  const { maxBytes, where } = options;
  const tooLarge = new OutboundFault('too_large', `${where} answered more than ${maxBytes} bytes`);
  if (Number(options.announcedBytes ?? 0) > maxBytes) throw tooLarge;
  const stream = decompressed(body, options.encoding, where);
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > maxBytes) throw tooLarge;
      chunks.push(chunk);
    }
  } catch (error) {
    if (/^Z_|^ERR_(BROTLI|_ERROR_FORMAT|PADDING)/.test((error as { code?: string }).code ?? '')) {
      throw new OutboundFault('encoding', `${where} answered a broken ${options.encoding ?? ''} body`);
    }
    throw error;
  } finally {
    stream.destroy();
  }
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.concat(chunks));
  } catch {
    throw new OutboundFault('encoding', `${where} answered text that is not UTF-8`);
  }
}

function decompressed(body: Readable, encoding: string | undefined, where: string): Readable {
  switch (encoding?.trim().toLowerCase()) {
    case undefined:
    case '':
    case 'identity':
      return body;
    case 'gzip':
    case 'x-gzip':
      return pipeline(body, createGunzip(), () => undefined);
    case 'deflate':
      return pipeline(body, createInflate(), () => undefined);
    case 'br':
      return pipeline(body, createBrotliDecompress(), () => undefined);
    default:
      throw new OutboundFault('encoding', `${where} answered a content encoding that we did not ask for`);
  }
}
