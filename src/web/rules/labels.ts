/** Labels to print: what a device needs to be let in, for people and as a QR code. Nothing of them is sent anywhere. */
import { useEffect, useState } from 'preact/hooks';
import qrcode from 'qrcode-generator';
import { type DeviceLabel, labelText, qrPath, spaced } from '../../../domain/client/label.ts';
import { get } from '../app/api.ts';
import { html, type View } from '../app/html.ts';
import { useRead } from '../parts/parts.ts';

export type LabelledCode = Pick<DeviceLabel, 'name' | 'enrolmentCode'>;

/** Of a quality that a worn label still reads by. */
function encoded(text: string) {
  const code = qrcode(0, 'M');
  code.addData(text);
  code.make();
  return code;
}

function Label({ label }: { label: DeviceLabel }): View {
  const { size, path } = qrPath(encoded(labelText(label)));
  return html`<li class="label"><svg class="qr" viewBox="0 0 ${size} ${size}" shape-rendering="crispEdges" role="img" aria-label="QR code"><path d=${path} /></svg>
    <div><p><strong><bdi>${label.name ?? 'any name'}</bdi></strong></p><p><code>${label.enrolmentCode}</code></p><p>${label.url}</p>
    ${label.caFingerprint !== null && html`<p>CA <code>${spaced(label.caFingerprint)}</code></p>`}</div></li>`;
}

/** Shows the labels, asks the browser to print, and nothing else of the page. */
function Sheet({ codes, onClose }: { codes: readonly LabelledCode[]; onClose: () => void }): View {
  // Over a connection that is not trusted, nobody knows the CA for sure.
  const { value, fault } = useRead('ca', async () =>
    isSecureContext ? await get<{ fingerprint: string }>('/ca') : { fingerprint: null },
  );
  const isReady = value !== null || fault !== null;
  const url = location.origin;
  const caFingerprint = value?.fingerprint ?? null;
  useEffect(() => {
    if (!isReady) return;
    document.documentElement.dataset.printing = 'labels';
    print();
    delete document.documentElement.dataset.printing;
  }, [isReady]);
  return html`<section class="labels" aria-label="Labels"><p class="row"><span class="small soft">${location.protocol === 'https:' ? '' : 'The address on them is the one that this page has: open it by https for others.'}</span><button type="button" class="button" data-kind="quiet" onClick=${onClose}>Close labels</button></p>
    <ul>${codes.map((code) => html`<${Label} key=${code.enrolmentCode} label=${{ ...code, url, caFingerprint }} />`)}</ul></section>`;
}

/** Labels that are drawn at once: a browser draws many of them slowly. */
const sheetMax = 500;

export function LabelsButton({ codes }: { codes: readonly LabelledCode[] }): View {
  const [from, setFrom] = useState<number | null>(null);
  const starts = Array.from(
    { length: Math.ceil(codes.length / sheetMax) },
    (_, at) => at * sheetMax,
  );
  const words = (start: number) =>
    codes.length === 1
      ? 'label'
      : starts.length === 1
        ? 'labels'
        : `labels ${start + 1}–${Math.min(codes.length, start + sheetMax)}`;
  return html`${starts.map((start) => html`<button type="button" key=${start} class="button" onClick=${() => setFrom(start)}>Print ${words(start)}…</button>`)}
    ${from !== null && html`<${Sheet} key=${from} codes=${codes.slice(from, from + sheetMax)} onClose=${() => setFrom(null)} />`}`;
}
