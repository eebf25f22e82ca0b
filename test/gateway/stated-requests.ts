/** Requests as pages of docs/ state them: `POST /o/{id}/deposit [5] → 2.04 5`, one in a line, with bodies and answers in JSON. */
import { openCoapClient } from '../../src/client/coap-client.ts';
import type { CoapRequest, CoapResponse } from '../../src/client/coap-request.ts';
import { dotted } from '../../src/coap/codec/codes.ts';
import { findStrings, optionNumber } from '../../src/coap/codec/options.ts';
import { textOf, utf8 } from '../../src/core/bytes.ts';

/** The requests of the fenced blocks of a page, in their order. */
export const statedRequests = (page: string): readonly string[] =>
  [...page.matchAll(/^```objects\n([^]*?)^```/gm)].flatMap(([, block = '']) => block.trim().split('\n'));

/**
 * The lines as the gateway answers them. `{id}` is the object that was made last; any other word in braces is the id that stands
 * in its place in the first answer that has one.
 */
export async function answeredLines(lines: readonly string[], gateway: string): Promise<readonly string[]> {
  const client = await openCoapClient({});
  const ids = new Map<string, string>();
  const filledIn = (text: string): string =>
    text.replaceAll(/\{(\w+)\}/g, (name, word: string) => ids.get(word) ?? name);
  const answers: string[] = [];
  try {
    for (const line of lines) {
      const [request = '', stated = ''] = line.split(' → ');
      const [, method = '', path = '', body] = /^(\w+) (\S+)(?: (.+))?$/.exec(request) ?? [];
      const answer = await client.request({
        uri: gateway + filledIn(path),
        method: method as CoapRequest['method'],
        accept: 50,
        ...(body !== undefined && { payload: utf8(filledIn(body)), contentFormat: 50 }),
      });
      const [, made] = findStrings(answer.options, optionNumber.locationPath) ?? [];
      if (made !== undefined) ids.set('id', made);
      const said = saidBy(answer);
      const [, name] = /"\/o\/\{(\w+)\}"/.exec(stated) ?? [];
      if (name !== undefined && !ids.has(name)) ids.set(name, said.slice(-9, -1));
      answers.push(`${request} → ${filledIn(stated) === said ? stated : said}`);
    }
  } finally {
    await client.close();
  }
  return answers;
}

const saidBy = ({ code, payload }: CoapResponse): string =>
  code < 0x80 && payload.length > 0 ? `${dotted(code)} ${textOf(payload)}` : dotted(code);
