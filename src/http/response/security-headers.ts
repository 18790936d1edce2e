/** The headers of every answer, which say what a browser may do with it. */
import { contentSecurityPolicyOf } from './content-security-policy.ts';

const always = {
  'Content-Security-Policy': contentSecurityPolicyOf("'self'"),
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Resource-Policy': 'same-origin',
} as const;
const httpsAlone = { 'Strict-Transport-Security': 'max-age=31536000' } as const;
const ofApi = { 'Cache-Control': 'no-store' } as const;

/** @param strictTransport whether browsers are told to come by HTTPS alone */
export const securityHeaders = (
  path: string,
  strictTransport: boolean,
): Readonly<Record<string, string>> => ({
  ...always,
  ...(strictTransport ? httpsAlone : {}),
  ...(path === '/api' || path.startsWith('/api/') ? ofApi : {}),
});
