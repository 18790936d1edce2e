/** A file that is served as it is: compressed once, and not sent again to who has it. */
import { createHash } from 'node:crypto';
import { brotliCompressSync, gzipSync, constants as zlib } from 'node:zlib';
import type { Context } from 'koa';

export interface ServedFile {
  readonly type: string;
  readonly plain: Buffer;
  readonly br: Buffer;
  readonly gzip: Buffer;
  readonly etag: string;
}

/** @param type its media type */
export function servedFile(content: string | Buffer, type: string): ServedFile {
  const plain = Buffer.from(content);
  const params = {
    [zlib.BROTLI_PARAM_QUALITY]: 9,
    [zlib.BROTLI_PARAM_SIZE_HINT]: plain.length,
  };
  return {
    type,
    plain,
    br: brotliCompressSync(plain, { params }),
    gzip: gzipSync(plain, { level: 9 }),
    etag: createHash('sha256').update(plain).digest('base64url').slice(0, 22),
  };
}

/** Answers 200 in the best encoding that is asked for, or 304 to who has it (RFC 9110, section 13.1.2). */
export function sendFile(ctx: Context, file: ServedFile): void {
  const encoding = ctx.acceptsEncodings('br', 'gzip', 'identity') || 'identity';
  ctx.status = 200;
  ctx.set({
    'Content-Type': file.type,
    // Asked about each time, so that no page runs beside a service of another version.
    'Cache-Control': 'no-cache',
    ETag: `"${file.etag}-${encoding}"`,
    Vary: 'Accept-Encoding',
  });
  if (ctx.fresh) {
    ctx.status = 304;
    return;
  }
  if (encoding !== 'identity') ctx.set('Content-Encoding', encoding);
  ctx.body = encoding === 'br' ? file.br : encoding === 'gzip' ? file.gzip : file.plain;
  ctx.set('Content-Type', file.type);
}
