import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PeerError, UsageError } from '../../src/core/error.ts';
import { encodeLinkFormat, parseLinkFormat, type Link } from '../../src/directory/link-format.ts';

const link = (target: string, ...attributes: [string, string?][]): Link => ({
  target,
  attributes: attributes.map(([name, value]) => ({ name, value })),
});

const pairs: [string, Link[]][] = [
  ['', []],
  ['</a>', [link('/a')]],
  ['</a>;obs', [link('/a', ['obs'])]],
  ['</a>;rt="x y";ct=40;sz=0', [link('/a', ['rt', 'x y'], ['ct', '40'], ['sz', '0'])]],
  ['</a>;ct="60 50"', [link('/a', ['ct', '60 50'])]],
  ['</a>;f="3/1",</b>;f=""', [link('/a', ['f', '3/1']), link('/b', ['f', ''])]],
  ['</a>;title="a \\"b\\" \\\\ c,d;e"', [link('/a', ['title', 'a "b" \\ c,d;e'])]],
  ["</a>;title*=UTF-8''%e2%82%ac", [link('/a', ['title*', "UTF-8''%e2%82%ac"])]],
  ['</a,b;c>', [link('/a,b;c')]],
];

describe('link format (RFC 6690 §2)', () => {
  it.each(pairs)('%s is written and read', (text, links) => {
    expect(encodeLinkFormat(links)).toBe(text);
    expect(parseLinkFormat(text)).toEqual(links);
  });

  it('reads the example of RFC 6690 §5 with anchors and an unquoted title', () => {
    const text =
      '</sensors>;ct=40;title="Sensor Index",</sensors/temp>;rt="temperature-c";if="sensor",' +
      '<http://www.example.com/sensors/t123>;anchor="/sensors/temp";rel="describedby",</t>;anchor="/sensors/temp";rel=alternate';
    expect(parseLinkFormat(text)).toEqual([
      link('/sensors', ['ct', '40'], ['title', 'Sensor Index']),
      link('/sensors/temp', ['rt', 'temperature-c'], ['if', 'sensor']),
      link('http://www.example.com/sensors/t123', ['anchor', '/sensors/temp'], ['rel', 'describedby']),
      link('/t', ['anchor', '/sensors/temp'], ['rel', 'alternate']),
    ]);
  });

  it('reads white space around separators', () => {
    expect(parseLinkFormat(' </a> ; rt="x" ,\n </b> ')).toEqual([link('/a', ['rt', 'x']), link('/b')]);
  });

  it.each([
    'x',
    '</a',
    '</a>x',
    '</a>,',
    '</a>;',
    '</a>;=x',
    '</a>;rt="x',
    '</a>;rt="x\\',
    '</a>;rt="x"y',
    ',</a>',
    '</a>;r"t=1',
  ])('refuses %s', (text) => {
    expect(() => parseLinkFormat(text)).toThrow(PeerError);
  });

  it.each([link('/a b'), link('/a>'), link('/a', ['a b', 'x']), link('/a', ['', 'x']), link('/a', ['a*b', 'x'])])(
    'cannot write %j',
    (bad) => {
      expect(() => encodeLinkFormat([bad])).toThrow(UsageError);
    },
  );

  it('comes back as it was written', () => {
    const target = fc.string({ unit: fc.constantFrom('/', 'a', 'é', '%20', ',', ';', '=', '"', '?') });
    const attribute = fc.record({
      name: fc.constantFrom('rt', 'ct', 'sz', 'title', 'title*', 'f', 'obs', '_x', 'c.pmin'),
      value: fc.option(fc.oneof(fc.string(), fc.nat().map(String), fc.constantFrom('"', '\\', '\\"', 'a,b;c', ' ')), {
        nil: undefined,
      }),
    });
    const links = fc.array(fc.record({ target, attributes: fc.array(attribute, { maxLength: 5 }) }), { maxLength: 5 });
    fc.assert(
      fc.property(links, (sent) => {
        expect(parseLinkFormat(encodeLinkFormat(sent))).toEqual(sent);
      }),
    );
  });

  it('is read or refused, whatever the text', () => {
    const text = fc.string({ unit: fc.constantFrom('<', '>', ';', ',', '"', '\\', '=', 'a', ' ', '*') });
    fc.assert(
      fc.property(text, (any) => {
        try {
          expect(parseLinkFormat(encodeLinkFormat(parseLinkFormat(any)))).toEqual(parseLinkFormat(any));
        } catch (error) {
          // A target that is not a URI is read, but never written.
          expect(error instanceof PeerError || error instanceof UsageError).toBe(true);
        }
      }),
      { numRuns: 1000 },
    );
  });
});
