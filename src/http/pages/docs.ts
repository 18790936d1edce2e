/** `/docs`: the API description for people, drawn from the same routes as the one for machines. */

import { problemTable } from '../../api/problems.ts';
import type { Route } from '../route.ts';
import { curlOf, javascriptOf } from './examples.ts';
import { type Html, html, page } from './html.ts';
import { openApi, whoMay } from './openapi.ts';
import { problemsOf } from './openapi-answers.ts';
import { groupWords, shapeWords } from './words-of-routes.ts';

interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly Schema[];
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: Schema | boolean;
  readonly [keyword: string]: unknown;
}

const nameIn = (ref: string) => ref.slice(ref.lastIndexOf('/') + 1);

const kinds: Record<string, string> = { string: 'text', array: 'list', object: 'object' };

/** Bounds that a reader wants to see beside a type. */
const bounds = ({ minLength, maxLength, minimum, maximum, maxItems, pattern }: Schema): string => {
  const parts = [
    !minLength ? '' : `at least ${minLength}`,
    maxLength === undefined ? '' : `at most ${maxLength}`,
    minimum === undefined || Number(minimum) < -1e15 ? '' : `from ${minimum}`,
    maximum === undefined || Number(maximum) > 1e15 ? '' : `to ${maximum}`,
    maxItems === undefined ? '' : `at most ${maxItems}`,
    pattern === undefined || String(pattern).length > 60 ? '' : `like ${pattern}`,
  ].filter(Boolean);
  return parts.length === 0 ? '' : ` (${parts.join(', ')})`;
};

/** A type as a reader would say it; objects within objects are named by their fields alone. */
function typeOf(schema: Schema): Html {
  if (schema.$ref !== undefined) {
    const name = nameIn(schema.$ref);
    return html`<a href="#shape-${name}">${name}</a>`;
  }
  if (schema.anyOf !== undefined) return joined(schema.anyOf.map(typeOf), ' or ');
  if (schema.enum !== undefined)
    return joined(
      schema.enum.map((value) => html`<code>${String(value)}</code>`),
      ' or ',
    );
  if (schema.const !== undefined) return html`<code>${String(schema.const)}</code>`;
  if (schema.items !== undefined) return html`list of ${typeOf(schema.items)}${bounds(schema)}`;
  if (schema.properties !== undefined)
    return html`{ ${joined(
      Object.keys(schema.properties).map((name) => html`<code>${name}</code>`),
      ', ',
    )} }`;
  const types = [schema.type ?? 'anything'].flat();
  return html`${types.map((type) => kinds[type] ?? type).join(' or ')}${
    schema.format === undefined ? '' : ` (${schema.format})`
  }${bounds(schema)}`;
}

const joined = (parts: readonly Html[], separator: string): Html =>
  html`${parts.flatMap((part, at) => (at === 0 ? [part] : [html`${separator}`, part]))}`;

function shapeRows(schema: Schema): Html[] {
  return Object.entries(schema.properties ?? {}).map(([name, value]) => {
    const required = schema.required?.includes(name) === true;
    const { description } = value;
    return html`<tr><td><code>${name}${required ? '' : '?'}</code></td><td>${typeOf(value)}${
      typeof description === 'string' ? `. ${description}` : ''
    }</td></tr>`;
  });
}

const shapeBody = (schema: Schema): Html =>
  schema.properties === undefined
    ? html`<p>${typeOf(schema)}</p>`
    : html`<table>${shapeRows(schema)}</table>`;

interface OperationDescribed {
  readonly parameters: readonly {
    readonly name: string;
    readonly in: string;
    readonly required: boolean;
    readonly description: string;
    readonly schema: Schema;
  }[];
  readonly requestBody?: { content: Record<string, { schema: Schema }> };
  readonly responses: Record<string, { content?: Record<string, { schema: Schema }> }>;
}

const answerLine = (route: Route, { responses }: OperationDescribed): Html[] =>
  Object.entries(route.answers).map(([status, { description }]) => {
    const content = Object.entries(responses[status]?.content ?? {})[0];
    const [type, body] = content ?? [];
    const shape =
      type === undefined || body === undefined
        ? html`no body`
        : type === 'application/json'
          ? typeOf(body.schema)
          : html`<code>${type}</code>`;
    return html`<p>${status}: ${shape}. <span class="soft">${description}</span></p>`;
  });

function routeCard(route: Route, operation: OperationDescribed): Html {
  const body = operation.requestBody?.content['application/json']?.schema;
  const parameters = operation.parameters.map(
    ({ name, in: place, required, description, schema }) =>
      html`<p><code>${name}${required ? '' : '?'}</code> <span class="soft">${place}</span> ${typeOf(schema)}. ${description}</p>`,
  );
  return html`<details class="card" id="${route.operationId}">
<summary><code>${route.method} ${route.path}</code> <span class="soft">${route.summary}</span></summary>
${route.description === undefined ? '' : html`<p>${route.description}</p>`}
<dl>
<dt>May</dt><dd>${whoMay(route)}</dd>
${parameters.length === 0 ? '' : html`<dt>Parameters</dt><dd>${parameters}</dd>`}
${body === undefined ? '' : html`<dt>Body</dt><dd>${typeOf(body)}</dd>`}
<dt>Answers</dt><dd>${answerLine(route, operation)}</dd>
<dt>Problems</dt><dd>${joined(
    problemsOf(route).map(
      (code) =>
        html`${problemTable[code].status} <a href="#problem-${code}"><code>${code}</code></a>`,
    ),
    ', ',
  )}</dd>
<dt>curl</dt><dd><pre>${curlOf(route)}</pre></dd>
<dt>JavaScript</dt><dd><pre>${javascriptOf(route)}</pre></dd>
</dl>
</details>`;
}

/** Draws the page once; it changes with the program only. */
export function docsPage(routes: readonly Route[], version: string): string {
  const described = openApi(routes, version) as unknown as {
    paths: Record<string, Record<string, OperationDescribed>>;
    components: { schemas: Record<string, Schema> };
  };
  const card = (route: Route) => {
    const operation = described.paths[route.path]?.[route.method.toLowerCase()];
    return operation === undefined ? html`` : routeCard(route, operation);
  };
  const groups = [...Map.groupBy(routes, ({ group }) => group)];
  const anchor = (name: string) => name.toLowerCase().replaceAll(/\W+/g, '-');
  return page(
    'Gatebook API',
    html`<header>
<h1>Gatebook API</h1>
<p class="soft">Version ${version}. For machines: <a href="/openapi.json">/openapi.json</a>.
Sign in with <code>POST /api/login</code> and send what it answers as <code>Authorization: Bearer …</code>.</p>
<nav aria-label="Contents"><ul>
${groups.map(([name]) => html`<li><a href="#${anchor(name)}">${name}</a></li>`)}
<li><a href="#shapes">Shapes</a></li><li><a href="#problems">Problems</a></li>
</ul></nav>
</header>
<main>
${groups.map(
  ([name, its]) => html`<section id="${anchor(name)}"><h2>${name}</h2>
<p class="soft">${groupWords(name) ?? ''}</p>${its.map(card)}</section>`,
)}
<section id="shapes"><h2>Shapes</h2>
${Object.entries(described.components.schemas).map(
  ([name, schema]) =>
    html`<details class="card" id="shape-${name}"><summary><code>${name}</code> <span class="soft">${shapeWords(name) ?? ''}</span></summary>${shapeBody(schema)}</details>`,
)}
</section>
<section id="problems"><h2>Problems</h2>
<p class="soft">RFC 9457, <code>application/problem+json</code>. Rely on <code>code</code>; the words may change.</p>
<table><thead><tr><th>Status</th><th>Code</th><th>What it says</th></tr></thead><tbody>
${Object.entries(problemTable).map(
  ([code, { status, detail }]) =>
    html`<tr id="problem-${code}"><td>${status}</td><td><code>${code}</code></td><td>${detail}</td></tr>`,
)}
</tbody></table></section>
</main>`,
  );
}
