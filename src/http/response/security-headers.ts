/** The headers of every answer, which say what a browser may do with it. */
import { contentSecurityPolicyOf } from './content-security-policy.ts';

const always = {
  'Content-Security-Policy': contentSecurityPolicyOf("'self'"),
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Resource-Policy': 'same-origin',
} as const;
const overHttps = { 'Strict-Transport-Security': 'max-age=31536000' } as const;
const ofApi = { 'Cache-Control': 'no-store' } as const;

/** @param https whether people and devices come by HTTPS */
export const securityHeaders = (
  path: string,
  https: boolean,
): Readonly<Record<string, string>> => ({
  ...always,
  ...(https ? overHttps : {}),
  ...(path === '/api' || path.startsWith('/api/') ? ofApi : {}),
});
