/** Labels of devices as one HTML document to print: nothing in it comes from elsewhere. */
import qrcode from 'qrcode-generator';
import { type DeviceLabel, labelText, qrPath, spaced } from '../../../domain/client/label.ts';

const style = `<style>
@page { margin: 10mm; }
body { font: 9pt/1.35 system-ui, sans-serif; color: #000; background: #fff; margin: 0; }
ul { list-style: none; margin: 0; padding: 0; display: grid; grid-template-columns: repeat(auto-fill, minmax(88mm, 1fr)); gap: 3mm; }
li { display: flex; gap: 3mm; align-items: center; border: 1px dashed #888; padding: 3mm; break-inside: avoid; }
svg { width: 36mm; height: 36mm; flex: none; }
p { margin: 0 0 1mm; overflow-wrap: anywhere; }
code { font: 8pt/1.3 ui-monospace, monospace; }
.name { font-weight: 700; font-size: 11pt; }
</style>`;

/** Of a quality that a worn label still reads by. */
function encoded(text: string) {
  const code = qrcode(0, 'M');
  code.addData(text);
  code.make();
  return code;
}

/** All that stands in the document and was not written here. */
const escaped = (text: string): string =>
  text.replaceAll(/[&<>"']/g, (found) => `&#${found.charCodeAt(0)};`);

function item(label: DeviceLabel): string {
  const { size, path } = qrPath(encoded(labelText(label)));
  const { name, enrolmentCode, url, caFingerprint } = label;
  return `<li>
<svg viewBox="0 0 ${size} ${size}" shape-rendering="crispEdges" role="img" aria-label="QR code"><path d="${path}"/></svg>
<div><p class="name">${escaped(name ?? 'any name')}</p><p><code>${escaped(enrolmentCode)}</code></p><p>${escaped(url)}</p>
${caFingerprint === null ? '' : `<p>CA <code>${escaped(spaced(caFingerprint))}</code></p>`}</div>
</li>
`;
}

export const labelSheet = (labels: readonly DeviceLabel[]): string =>
  `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Labels</title>
${style}</head>
<body><ul>
${labels.map(item).join('')}</ul></body>
</html>
`;
