import { describe, expect, it } from 'vitest';
import { coreLinks, functionLinks, libraryLinks } from '../../src/directory/function-links.ts';
import { encodeLinkFormat, parseLinkFormat } from '../../src/directory/link-format.ts';
import { add, broken, math } from './sample.ts';

const clock = parseLinkFormat('</clock>;rt="clock";ct=0;obs');
const core = (...query: string[]): string[] =>
  encodeLinkFormat(coreLinks(clock, [math, broken], query)).split(/,(?=<)/);

const directory = '</func>;rt="func.dir";ct="60 50 40"';
const mathLink = '</func/math>;rt="func.lib";title="Arithmetic";ct="60 50 40";f="2"';
const brokenLink = '</func/weather%20station>;rt="func.lib";ct="60 50 40";err';
const addLink = '</func/math/add>;rt="func";title="Adds numbers";ct="60 50 0 42";f="2/0";obs';
const matrixLink = '</func/math/Matrix>;rt="func.class";title="A matrix";f="2/5"';
const resetLink = '</func/math/reset>;rt="func";ct="60 50 0 42";f="2/1"';

describe('/.well-known/core', () => {
  it('lists entry points and libraries', () => {
    expect(core()).toEqual([directory, '</clock>;rt="clock";ct=0;obs', mathLink, brokenLink]);
  });

  it('lists functions that can be called where a filter asks for them', () => {
    expect(core('rt=func')).toEqual([addLink, resetLink]);
    expect(core('href=/func/math/*')).toEqual([addLink, resetLink, matrixLink]);
    expect(core('f=2/0')).toEqual([addLink]);
  });

  it('lists classes where a filter asks for them', () => {
    expect(core('rt=func.class')).toEqual([matrixLink]);
  });

  it('lists whatever else a filter matches, too', () => {
    expect(core('ct=40')).toEqual([directory, mathLink, brokenLink]);
    expect(core('err')).toEqual([brokenLink]);
  });
});

describe('/func and /func/{library} in link format', () => {
  it('have a link for each library, and for each function that can be called', () => {
    expect(encodeLinkFormat(libraryLinks([math, broken]))).toBe(`${mathLink},${brokenLink}`);
    expect(encodeLinkFormat(functionLinks(math))).toBe(`${addLink},${resetLink},${matrixLink}`);
  });

  it('have no compact id where there is none, and titles in one line', () => {
    const unlocked = { ...math, functions: [{ ...add, id: undefined, title: 'Two\n\t lines ' }] };
    expect(encodeLinkFormat(functionLinks(unlocked))).toBe(
      '</func/math/add>;rt="func";title="Two lines";ct="60 50 0 42";obs',
    );
  });
});
