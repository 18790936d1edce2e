/** The body of somebody else's answer, as far as it is no longer than it may be. */

/** Null: it is longer; the rest is not read. */
export async function bodyOfAtMost(response: Response, bytesMax: number): Promise<Buffer | null> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += chunk.byteLength;
    if (length > bytesMax) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
