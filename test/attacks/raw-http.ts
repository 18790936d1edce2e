/** HTTP by hand: requests as bytes over sockets that stay open, and what comes back. */
import { once } from 'node:events';
import { connect } from 'node:net';

export interface RawAnswer {
  /** 0: the connection ended without one; -1: none came in time. */
  readonly status: number;
  readonly text: string;
}

export interface Line {
  /** Sends, and takes the answer; the next one is sent after it. */
  ask(request: string | Uint8Array): Promise<RawAnswer>;
  readonly isOpen: () => boolean;
  end(): void;
}

export const askRaw = (method: string, path: string, body: string, headers = ''): string =>
  `${method} ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n${headers}Content-Type: application/json\r\n` +
  `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;

/** The first whole answer in what came, and how long it is; bodies with Content-Length or in chunks. */
function firstAnswer(text: string): { answer: RawAnswer; length: number } | undefined {
  const head = text.indexOf('\r\n\r\n');
  if (head < 0) return undefined;
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0);
  const headers = text.slice(0, head);
  const length = /^content-length: (\d+)$/im.exec(headers)?.[1];
  if (length !== undefined) {
    const end = head + 4 + Number(length);
    return text.length < end
      ? undefined
      : { answer: { status, text: text.slice(0, end) }, length: end };
  }
  if (/^transfer-encoding: chunked$/im.test(headers)) {
    const end = text.indexOf('0\r\n\r\n', head + 4);
    if (end < 0) return undefined;
    return { answer: { status, text: text.slice(0, end) }, length: end + 5 };
  }
  return { answer: { status, text: headers }, length: head + 4 };
}

/** @param patienceMs how long an answer is waited for */
export async function pipelineTo(url: string, patienceMs = 20_000): Promise<Line> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  await once(socket, 'connect');
  let received = '';
  let isOpen = true;
  let wake = () => {};
  // Of bytes a character each: lengths are those of the wire.
  socket.setEncoding('latin1').on('data', (data) => {
    received += data;
    wake();
  });
  socket.on('error', () => undefined);
  socket.on('close', () => {
    isOpen = false;
    wake();
  });
  return {
    isOpen: () => isOpen,
    end: () => socket.destroy(),
    async ask(request) {
      socket.write(request);
      let isLate = false;
      const timer = setTimeout(() => {
        isLate = true;
        wake();
      }, patienceMs);
      try {
        for (;;) {
          const found = firstAnswer(received);
          if (found !== undefined) received = received.slice(found.length);
          // 100 comes before the answer: it goes on with the body.
          if (found !== undefined && found.answer.status !== 100) return found.answer;
          if (!isOpen) return { status: 0, text: '' };
          if (isLate) return { status: -1, text: '' };
          if (found === undefined)
            await new Promise<void>((resolve) => {
              wake = resolve;
            });
        }
      } finally {
        clearTimeout(timer);
      }
    },
  };
}
