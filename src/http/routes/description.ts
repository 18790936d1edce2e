/** What the service shows without signing in: the API description and the public keys. */

import { Keys } from '../../api/service.ts';
import { docsPage } from '../pages/docs.ts';
import { openApi } from '../pages/openapi.ts';
import { stylesheet } from '../pages/stylesheet.ts';
import { type ServedFile, servedFile } from '../response/static-file.ts';
import { fileAnswers, ok, type Route, route } from '../route.ts';

const group = 'Service';

const text = (body: string, type: string) => ({
  status: 200,
  body,
  type: `${type}; charset=utf-8`,
});

const publicText = (
  path: string,
  operationId: string,
  summary: string,
  type: string,
  body: () => string,
): Route =>
  route({
    method: 'GET',
    path,
    group,
    operationId,
    summary,
    access: 'open',
    answers: { 200: { description: summary, type } },
    handle: () => text(body(), type),
  });

/** `/.well-known/paseto`: the keys that this registry's tokens are checked with. */
export const wellKnownPaseto = (publicKeys: () => Keys): Route =>
  route({
    method: 'GET',
    path: '/.well-known/paseto',
    group,
    operationId: 'publicKeys',
    summary: 'The public keys that tokens are checked with',
    access: 'open',
    answers: { 200: { description: 'Keys, the signing one first.', body: Keys } },
    handle: () => ok(publicKeys()),
  });

/**
 * `/docs`, `/openapi.json` and their stylesheet, which describe `others` and themselves.
 * @param version the program's version
 * @param answeredElsewhere what is described with them, and no route
 */
export function withDescription(
  others: readonly Route[],
  version: string,
  answeredElsewhere: readonly Route[] = [],
): readonly Route[] {
  const all: Route[] = [...others];
  const told = () => [...all, ...answeredElsewhere];
  let described: { openapi: ServedFile; docs: string } | undefined;
  const description = () => {
    described ??= {
      openapi: servedFile(JSON.stringify(openApi(told(), version)), 'application/json'),
      docs: docsPage(told(), version),
    };
    return described;
  };
  all.push(
    publicText('/docs', 'docs', 'This API for people', 'text/html', () => description().docs),
    publicText('/docs.css', 'stylesheet', 'The look of /docs', 'text/css', () => stylesheet),
    route({
      method: 'GET',
      path: '/openapi.json',
      group,
      operationId: 'openapi',
      summary: 'This API for programs (OpenAPI 3.1)',
      access: 'open',
      answers: fileAnswers('OpenAPI 3.1.', 'application/json'),
      handle: () => ({ status: 200, file: description().openapi }),
    }),
  );
  return all;
}
