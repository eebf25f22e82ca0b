/** `funcoap ls [URI]`: the libraries of a gateway, the functions of a library, or the links of any CoAP server. */
import { contentFormat } from '../cbor/content-format.ts';
import { encodeJson } from '../cbor/json-encode.ts';
import { textOf } from '../core/bytes.ts';
import { PeerError } from '../core/error.ts';
import { readDirectory, readLibrary, readLibraryError, type FunctionSummary } from '../directory/read-description.ts';
import { parseLinkFormat } from '../directory/link-format.ts';
import type { Value } from '../core/value.ts';
import { connectionOptions, examples, jsonOption, type AddCommand } from './command.ts';
import {
  completeUri,
  getValue,
  notAGateway,
  segmentsOf,
  valueOf,
  withConnection,
  withPath,
  type Connection,
  type ConnectionOptions,
} from './connection.ts';
import { exitCode } from './exit-code.ts';
import { accepted } from './failure.ts';
import { tableText, valueText } from './print-value.ts';
import type { Terminal } from './terminal.ts';

interface LsOptions extends ConnectionOptions {
  readonly json?: boolean;
}

const f = (libraryId: number | undefined, id?: number): string =>
  libraryId === undefined ? '' : `/f/${libraryId}${id === undefined ? '' : `/${id}`}`;

/** A version that loaded before goes on being served. */
const failureOf = (functions: number, error: string): string =>
  functions === 0
    ? `does not load: ${error}`
    : `the edit does not load: ${error.replace(/\.$/, '')}; the version before it serves.`;

function librariesText(value: Value, { outPaint }: Terminal): string {
  const rows = readDirectory(value).map(({ name, id, title, functions, error }) => [
    name,
    f(id),
    functions,
    error === undefined ? (title ?? '') : failureOf(functions, error),
  ]);
  return rows.length === 0 ? 'no libraries' : tableText(['library', 'compact', 'functions', ''], rows, outPaint);
}

const effectsOf = (fn: FunctionSummary): string =>
  fn.notCallable !== undefined
    ? 'not callable'
    : fn.class === true
      ? 'class'
      : fn.pure
        ? 'pure'
        : fn.safe
          ? 'safe'
          : 'POST';

function functionsText(value: Value, { outPaint }: Terminal): string {
  const rows = readLibrary(value).map((fn) => [fn.name, fn.id ?? '', effectsOf(fn), fn.notCallable ?? fn.title ?? '']);
  return rows.length === 0 ? 'no functions' : tableText(['function', 'id', 'effects', ''], rows, outPaint);
}

async function listLinks(connection: Connection, uri: string, options: LsOptions, terminal: Terminal): Promise<void> {
  const { client, signal, timeout } = connection;
  const answer = accepted(
    await client.request({ uri, method: 'GET', accept: contentFormat.linkFormat, signal, timeout }),
  );
  const links = parseLinkFormat(textOf(answer.payload) ?? '');
  if (options.json === true) {
    terminal.out(`${JSON.stringify(links)}\n`);
    return;
  }
  const rows = links.map(({ target, attributes }) => [
    target,
    attributes.map(({ name, value }) => (value === undefined ? name : `${name}=${value}`)).join(' '),
  ]);
  terminal.out(`${tableText(['resource', 'attributes'], rows, terminal.outPaint)}\n`);
}

/** Whether it is what the gateway lists: all libraries, or one by its name or id. */
const isCatalogue = ([root, ...names]: readonly string[]): boolean =>
  root === undefined || (root === 'func' && names.length <= 1) || (root === 'f' && names.length === 1);

async function ls(text: string, options: LsOptions, terminal: Terminal): Promise<void> {
  const given = completeUri(text, options);
  const segments = segmentsOf(given);
  const uri = segments.length === 0 ? withPath(given, '/func') : given;
  await withConnection(terminal, uri, options, async (connection) => {
    if (!isCatalogue(segments)) {
      await listLinks(connection, uri, options, terminal);
      return;
    }
    const value = valueOf(accepted(await getValue(connection, uri)));
    if (options.json === true) {
      terminal.out(`${encodeJson(value)}\n`);
      return;
    }
    try {
      const [, library] = segments;
      const error = library === undefined ? undefined : readLibraryError(value);
      if (library !== undefined && error !== undefined) {
        const functions = readLibrary(value).length;
        const sentence = `${library}${functions === 0 ? '' : ':'} ${failureOf(functions, error)}`;
        terminal.err(`funcoap: ${valueText(sentence)}\n`);
      }
      terminal.out(`${segments.length === 2 ? functionsText(value, terminal) : librariesText(value, terminal)}\n`);
    } catch (error) {
      throw error instanceof PeerError ? notAGateway(uri) : error;
    }
  });
}

export const addLs: AddCommand = (program, terminal, done) => {
  connectionOptions(program.command('ls'))
    .summary('list libraries, functions or links')
    .description('Lists the libraries of a gateway, the functions of a library, or the links of any other resource.')
    .argument('[uri]', 'coap://HOST, coap://HOST/func/LIBRARY, or coap://HOST/.well-known/core', 'coap://127.0.0.1')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      examples(
        'funcoap ls',
        'funcoap ls coap://127.0.0.1/func/math',
        'funcoap ls coap://127.0.0.1/.well-known/core?rt=func',
      ),
    )
    .action(async (uri: string, options: LsOptions) => {
      await ls(uri, options, terminal);
      done(exitCode.ok);
    });
};
