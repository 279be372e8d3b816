import ipaddr from 'ipaddr.js';
import { z } from 'zod';

const listOf = (text: string) => text.split(',').map((part) => part.trim());

/** `10.1.0.0/16,192.168.7.5`. */
export const networks = z
  .string()
  .refine(
    (text) => listOf(text).every((part) => ipaddr.isValid(part) || ipaddr.isValidCIDR(part)),
    'addresses or networks such as 10.1.0.0/16, with commas between them',
  )
  .transform(listOf)
  .default([]);

/** `https://api.example.com=http://127.0.0.1:9999`: what is asked, then where it is led. */
export const origins = z
  .string()
  .transform((text, context) => {
    const led = new Map<string, string>();
    for (const part of listOf(text)) {
      const [first = '', second = ''] = part.split(/=(?=https?:\/\/)/u);
      const [asked, to] = [placeOf(first), originOf(second)];
      if (asked === undefined || to === undefined) {
        context.addIssue({
          code: 'custom',
          message:
            'pairs such as https://api.example.com=http://127.0.0.1:9999, with commas between them; the second without a path',
        });
        return z.NEVER;
      }
      led.set(asked, to);
    }
    return led;
  })
  .default(new Map());

/** An origin, or a URL with a path: then only what lies below it. */
function placeOf(text: string): string | undefined {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/u.test(url.protocol) || url.search + url.hash + url.username !== '') return undefined;
  return url.href.replace(/\/$/u, '');
}

function originOf(text: string): string | undefined {
  const url = URL.parse(text);
  const isOrigin = url !== null && /^https?:$/u.test(url.protocol) && url.pathname === '/' && url.search === '';
  return isOrigin && url.username === '' ? url.origin : undefined;
}

/** `https://dashboard.example.com,http://localhost:5173`: as browsers send them, never `*`. */
export const corsOrigins = z
  .string()
  .refine(
    (text) => listOf(text).every((part) => originOf(part) === part),
    'origins such as https://dashboard.example.com, with commas between them and nothing after the host and port',
  )
  .transform(listOf)
  .default([]);
