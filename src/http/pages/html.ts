/** HTML as strings in which every value is text: nothing that was put in becomes markup. */
import { createHash } from 'node:crypto';
import { contentSecurityPolicyOf } from '../response/content-security-policy.ts';
import { stylesheet } from './stylesheet.ts';

export interface Html {
  readonly html: string;
}

const escapes: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

const textOf = (value: Html | string | number | readonly Html[]): string => {
  if (typeof value === 'string')
    return value.replaceAll(/[&<>"']/g, (found) => escapes[found] ?? '');
  if (typeof value === 'number') return String(value);
  return 'html' in value ? value.html : value.map(({ html: inner }) => inner).join('');
};

/** Joins markup (the literal) and values (escaped, unless they are markup made here). */
export const html = (
  markup: TemplateStringsArray,
  ...values: readonly (Html | string | number | readonly Html[])[]
): Html => ({
  html: markup.reduce((page, part, at) => `${page}${textOf(values[at - 1] ?? '')}${part}`),
});

const whole = (title: string, style: Html, body: Html): string =>
  html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
${style}
</head>
<body>
${body}
</body>
</html>
`.html;

/** A whole page with the registry's stylesheet, and nothing from outside. */
export const page = (title: string, body: Html): string =>
  whole(title, html`<link rel="stylesheet" href="/docs.css">`, body);

/** The same for a page that is kept as a file: it brings its look along. */
export const pageToKeep = (title: string, body: Html): string =>
  whole(title, { html: `<style>${stylesheet}</style>` }, body);

/** What such a page is sent with: its own style may be in it, and nothing else. */
export const keptPageHeaders: Readonly<Record<string, string>> = {
  'Content-Security-Policy': contentSecurityPolicyOf(
    `'sha256-${createHash('sha256').update(stylesheet).digest('base64')}'`,
  ),
};
