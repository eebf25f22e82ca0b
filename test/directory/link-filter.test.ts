import { describe, expect, it } from 'vitest';
import { filterLinks, parseLinkFilters } from '../../src/directory/link-filter.ts';
import { parseLinkFormat } from '../../src/directory/link-format.ts';

const links = parseLinkFormat(
  '</func>;rt="func.dir core.x";ct="60 50",</func/a>;rt="func";if="sensor";title="Two words",</clock>;obs;ct=0;sz=10,</bare>',
);

describe('filtering links (RFC 6690 §4.1)', () => {
  it.each<[string[], string[]]>([
    [[], ['/func', '/func/a', '/clock', '/bare']],
    [['rt=func'], ['/func/a']],
    [['rt=func*'], ['/func', '/func/a']],
    // Each of several values counts as if it stood alone.
    [['rt=core.x'], ['/func']],
    [['rt=core*'], ['/func']],
    [['rt=func.dir core.x'], []],
    [['ct=50'], ['/func']],
    [['ct=0'], ['/clock']],
    [['if=sensor'], ['/func/a']],
    [['sz=10'], ['/clock']],
    [['sz=1*'], ['/clock']],
    // A title is one value.
    [['title=Two words'], ['/func/a']],
    [['title=words'], []],
    [['href=/func'], ['/func']],
    [['href=/func*'], ['/func', '/func/a']],
    [['href=/func/*'], ['/func/a']],
    // "*" asks for existence, also of an attribute without a value.
    [['rt=*'], ['/func', '/func/a']],
    [['obs=*'], ['/clock']],
    [['obs'], ['/clock']],
    [['obs=1'], []],
    [['nothing=*'], []],
    [['RT=func'], []],
    // Several must all match; control words are none of them.
    [['rt=func*', 'ct=60'], ['/func']],
    [['_why'], ['/func', '/func/a', '/clock', '/bare']],
    [['rt=a=b'], []],
    [[''], ['/func', '/func/a', '/clock', '/bare']],
  ])('%j', (query, targets) => {
    expect(filterLinks(links, parseLinkFilters(query)).map((link) => link.target)).toEqual(targets);
  });
});
