/**
 * The page at /docs, made from /openapi.json. All that comes from the gateway is put in as text, never as markup.
 * What has to be right without a browser stands in functions that touch no document, for the tests.
 */

/** The value that a person means by what they typed, as far as its schema says; undefined: nothing was typed. */
export function valueOf(text, schema) {
  if (text === '') return undefined;
  const types = [schema.type, ...(schema.anyOf ?? []).map((one) => one.type)].flat();
  if (types.includes('string') && !types.includes('object') && !types.includes('array')) {
    const isNumber =
      types.some((type) => type === 'number' || type === 'integer') &&
      text.trim() !== '' &&
      !Number.isNaN(Number(text));
    return isNumber ? Number(text) : text;
  }
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/**
 * What is sent for a call: arguments by name, nothing where there are none; what an attribute is set to is the body itself.
 * `id` is that of the object, where the path is below one.
 */
export function requestFor(path, values, token, { method = 'POST', id = '' } = {}) {
  const given = Object.entries(values).filter(([, value]) => value !== undefined);
  const headers = {};
  if (token !== '') headers.authorization = `Bearer ${token}`;
  const request = { path: path.replace('{id}', encodeURIComponent(id)), options: { method, headers } };
  if (given.length === 0) return request;
  headers['content-type'] = 'application/json';
  request.options.body = JSON.stringify(method === 'PUT' ? values.value : Object.fromEntries(given));
  return request;
}

/** The same for a terminal. */
export function curlFor(origin, { path, options }) {
  const quoted = (text) => `'${text.replaceAll("'", String.raw`'\''`)}'`;
  const headers = Object.entries(options.headers).map(([name, value]) => `-H ${quoted(`${name}: ${value}`)}`);
  const body = options.body === undefined ? [] : [`-d ${quoted(options.body)}`];
  return [`curl -s -X ${options.method}`, quoted(origin + path), ...headers, ...body].join(' ');
}

/** What can be tried of a path: POST where there is one, everything else where there is none. */
export function triedOf({ post, get, put, delete: remove }) {
  if (post !== undefined) return [['POST', post]];
  return Object.entries({ GET: get, PUT: put, DELETE: remove }).filter(([, operation]) => operation !== undefined);
}

/** The fields to fill in for an operation, by name. */
export function fieldsOf(method, operation) {
  const schema = operation.requestBody?.content['application/json'].schema;
  if (method === 'PUT') return [['value', schema ?? {}, true]];
  const properties = Object.assign({}, ...(schema?.anyOf ?? [schema]).map((one) => one?.properties ?? {}));
  return Object.entries(properties).map(([name, one]) => [name, one, schema.required?.includes(name) === true]);
}

/** JSON in lines, other text as it is. */
export function shownText(text) {
  try {
    return JSON.stringify(JSON.parse(text), undefined, 2);
  } catch {
    return text;
  }
}

/** More than anybody reads of a stream. */
const longestShown = 1_000_000;

/** Tells the text of a body as it comes: a stream may never end. Of one that is longer than that, its end. */
export async function readText(body, show) {
  let text = '';
  const reader = body?.pipeThrough(new TextDecoderStream()).getReader();
  for (let part = await reader?.read(); part?.done === false; part = await reader.read()) {
    text = (text + part.value).slice(-longestShown);
    show(text);
  }
  return text;
}

function element(name, properties, ...children) {
  const made = document.createElement(name);
  Object.assign(made, properties);
  made.append(...children);
  return made;
}

const typeText = (schema) =>
  schema.const !== undefined
    ? JSON.stringify(schema.const)
    : schema.anyOf !== undefined
      ? schema.anyOf.map(typeText).join(' | ')
      : [schema.type ?? 'any'].flat().join(' | ');

function field(name, schema, isRequired) {
  const input = element('input', {
    placeholder: schema.default === undefined ? typeText(schema) : JSON.stringify(schema.default),
  });
  const label = element('label', {}, element('code', { textContent: isRequired ? name : `${name}?` }), input);
  const hint =
    schema.description === undefined ? [] : [element('p', { className: 'hint', textContent: schema.description })];
  return { parts: [label, ...hint], read: () => [name, valueOf(input.value, schema)] };
}

async function call(request, output, signal) {
  output.textContent = '…';
  output.className = '';
  try {
    const answer = await fetch(request.path, { ...request.options, signal });
    const location = answer.headers.get('location');
    output.className = answer.ok ? '' : 'failed';
    const place = location === null ? '' : `\nLocation: ${location}`;
    const head = `${answer.status} ${answer.statusText}${place}\n`;
    const text = await readText(answer.body, (some) => {
      output.textContent = head + some;
    });
    output.textContent = head + shownText(text);
    // What was made last is what is tried next.
    if (answer.status === 201)
      for (const input of document.querySelectorAll('input.object')) input.value = location.split('/').at(-1);
  } catch (error) {
    if (signal.aborted) {
      // What has come of it stays.
      output.textContent += '\nstopped';
      return;
    }
    output.className = 'failed';
    output.textContent = String(error);
  }
}

const notes = { GET: 'safe', PUT: 'sets it', DELETE: 'lets go of it' };

function operationView(path, method, operation, isSafe, token) {
  const fields = fieldsOf(method, operation).map(([name, one, isRequired]) => field(name, one, isRequired));
  const id = path.includes('{id}') ? field('id', { description: 'of an object that you have made' }, true) : undefined;
  id?.parts[0].lastChild.classList.add('object');
  const output = element('pre', { hidden: true });
  const command = element('pre', { hidden: true });
  const run = element('button', { type: 'button', textContent: 'Call' });
  let underWay;
  run.addEventListener('click', async () => {
    if (underWay !== undefined) {
      underWay.abort();
      return;
    }
    const values = Object.fromEntries(fields.map(({ read }) => read()));
    const request = requestFor(path, values, token.value.trim(), { method, id: id?.parts[0].lastChild.value });
    command.textContent = curlFor(location.origin, request);
    command.hidden = false;
    output.hidden = false;
    underWay = new AbortController();
    run.textContent = 'Stop';
    await call(request, output, underWay.signal);
    underWay = undefined;
    run.textContent = 'Call';
  });
  return element(
    'details',
    {},
    element(
      'summary',
      {},
      element('code', { textContent: method === 'POST' ? path : `${method} ${path}` }),
      ' ',
      element('span', { textContent: operation.summary ?? '' }),
    ),
    element('p', { textContent: operation.description ?? '' }),
    element('p', {
      className: 'hint',
      textContent: notes[method] ?? (isSafe ? 'safe: GET or POST' : 'has side effects: POST'),
    }),
    ...(id?.parts ?? []),
    ...fields.flatMap(({ parts }) => parts),
    run,
    command,
    output,
  );
}

async function show() {
  const place = document.querySelector('#functions');
  const token = document.querySelector('#token');
  const authorization = token.value.trim() === '' ? {} : { authorization: `Bearer ${token.value.trim()}` };
  const answer = await fetch('/openapi.json', { headers: authorization });
  const described = await answer.json();
  if (!answer.ok) {
    place.replaceChildren(element('p', { textContent: described.detail ?? `${answer.status}` }));
    return;
  }
  const views = described.tags.flatMap(({ name, description }) => [
    element('h2', { textContent: name }),
    element('p', { textContent: description ?? '' }),
    ...Object.entries(described.paths).flatMap(([path, item]) =>
      triedOf(item)
        .filter(([, { tags }]) => tags.includes(name))
        .map(([method, operation]) => operationView(path, method, operation, item.get !== undefined, token)),
    ),
  ]);
  place.replaceChildren(...views);
}

if (typeof document !== 'undefined') {
  document.querySelector('#token').addEventListener('change', () => void show());
  void show();
}
