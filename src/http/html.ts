/** HTML as strings in which every value is text: nothing that was put in becomes markup. */

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

/** A whole page with the registry's stylesheet, and nothing from outside. */
export const page = (title: string, body: Html): string =>
  html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<link rel="stylesheet" href="/docs.css">
</head>
<body>
${body}
</body>
</html>
`.html;
