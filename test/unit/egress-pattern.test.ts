import { describe, expect, it } from 'vitest';
import { EgressRules } from '../../src/contract/egress.ts';
import { parseEgressPattern } from '../../src/domain/egress-pattern.ts';
import { limits } from '../../src/domain/limits.ts';

describe('a pattern of a rule', () => {
  it.each([
    ['api.example.com', { kind: 'name', name: 'api.example.com', port: null }],
    ['API.Example.COM.', { kind: 'name', name: 'api.example.com' }],
    ['api.example.com:8443', { kind: 'name', name: 'api.example.com', port: 8443 }],
    ['*.example.com', { kind: 'below', name: 'example.com' }],
    ['*.example.com:443', { kind: 'below', name: 'example.com', port: 443 }],
    ['müller.example', { kind: 'name', name: 'xn--mller-kva.example' }],
    ['localhost', { kind: 'name', name: 'localhost' }],
    ['_dmarc.example.com', { kind: 'name', name: '_dmarc.example.com' }],
    ['203.0.113.7', { kind: 'network', address: '203.0.113.7', bits: 32 }],
    ['203.0.113.0/24', { kind: 'network', address: '203.0.113.0', bits: 24, port: null }],
    ['203.0.113.0/24:8080', { kind: 'network', address: '203.0.113.0', bits: 24, port: 8080 }],
    ['0.0.0.0/0', { kind: 'network', bits: 0 }],
    ['2001:db8::1', { kind: 'network', address: '2001:db8::1', bits: 128 }],
    ['2001:db8::/32', { kind: 'network', address: '2001:db8::', bits: 32 }],
    ['[2001:db8::1]', { kind: 'network', bits: 128, port: null }],
    ['[2001:db8::/32]:443', { kind: 'network', address: '2001:db8::', bits: 32, port: 443 }],
  ])('%s is understood', (text, expected) => {
    expect(parseEgressPattern(text)).toMatchObject({ text, ...expected });
  });

  it.each([
    ['', /expected a host/],
    ['https://api.example.com', /is a URL/],
    ['api.example.com/v1', /expected a host/],
    ['user@example.com', /expected a host/],
    ['*', /expected a host/],
    ['*.', /expected a host/],
    ['api.*.com', /expected a host/],
    ['*example.com', /expected a host/],
    ['a b.example', /expected a host/],
    ['a..b', /expected a host/],
    ['ex%61mple.com', /expected a host/],
    [`${'a'.repeat(64)}.example`, /expected a host/],
    ['api.example.com:', /no port/],
    ['api.example.com:0', /no port/],
    ['api.example.com:65536', /no port/],
    ['api.example.com:http', /no port/],
    ['203.0.113.0/33', /bits from 0 to 32/],
    ['203.0.113.0/', /bits from 0 to 32/],
    ['203.0.113.0/24/8', /bits from 0 to 32/],
    ['2001:db8::/129', /bits from 0 to 128/],
    ['2130706433', /is the address 127\.0\.0\.1/],
    ['0x7f.1', /is the address 127\.0\.0\.1/],
    ['*.127.0.0.1', /is the address|expected a host/],
    ['300.1.1.1', /expected a host/],
    ['fe80::1%eth0', /names an interface/],
    ['::ffff:10.0.0.1', /write it as IPv4/],
  ])('%j is refused', (text, fault) => {
    expect(parseEgressPattern(text)).toEqual({ fault: expect.stringMatching(fault) });
  });
});

describe('rules', () => {
  const list = (count: number) => Array.from({ length: count }, (_, n) => `h${String(n)}.example`);

  it('name the pattern that is wrong', () => {
    const { error } = EgressRules.safeParse({ deny: ['good.example', 'http://bad.example'] });
    expect(error?.issues).toMatchObject([
      { path: ['deny', 1], message: expect.stringContaining('"http://bad.example" is a URL') },
    ]);
  });

  it('take as many patterns as allowed, and not one more', () => {
    expect(EgressRules.safeParse({ allow: list(limits.egressPatterns) }).success).toBe(true);
    const { error } = EgressRules.safeParse({ allow: list(limits.egressPatterns + 1) });
    expect(error?.issues).toMatchObject([{ path: ['allow'], code: 'too_big' }]);
  });

  it('take patterns as long as allowed, and not longer', () => {
    const long = (length: number) => `[${'0:'.repeat(7)}1/${'1'.padStart(length - 18, '0')}]`;
    expect(long(limits.egressPatternCharacters)).toHaveLength(limits.egressPatternCharacters);
    const tooLong = (text: string) =>
      EgressRules.safeParse({ deny: [text] }).error?.issues.some(({ code }) => code === 'too_big') ?? false;
    expect(tooLong(long(limits.egressPatternCharacters))).toBe(false);
    expect(tooLong(long(limits.egressPatternCharacters + 1))).toBe(true);
  });
});
