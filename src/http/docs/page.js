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

/** What is sent for a call: arguments by name, nothing where there are none. */
export function requestFor(path, values, token) {
  const given = Object.entries(values).filter(([, value]) => value !== undefined);
  const headers = {};
  if (token !== '') headers.authorization = `Bearer ${token}`;
  if (given.length === 0) return { path, options: { method: 'POST', headers } };
  headers['content-type'] = 'application/json';
  return { path, options: { method: 'POST', headers, body: JSON.stringify(Object.fromEntries(given)) } };
}

/** The same for a terminal. */
export function curlFor(origin, { path, options }) {
  const quoted = (text) => `'${text.replaceAll("'", String.raw`'\''`)}'`;
  const headers = Object.entries(options.headers).map(([name, value]) => `-H ${quoted(`${name}: ${value}`)}`);
  const body = options.body === undefined ? [] : [`-d ${quoted(options.body)}`];
  return ['curl -s -X POST', quoted(origin + path), ...headers, ...body].join(' ');
}

/** JSON in lines, other text as it is. */
export function shownText(text) {
  try {
    return JSON.stringify(JSON.parse(text), undefined, 2);
  } catch {
    return text;
  }
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

async function call(request, output) {
  output.textContent = '…';
  output.className = '';
  try {
    const answer = await fetch(request.path, request.options);
    const text = await answer.text();
    output.className = answer.ok ? '' : 'failed';
    output.textContent = `${answer.status} ${answer.statusText}\n${shownText(text)}`;
  } catch (error) {
    output.className = 'failed';
    output.textContent = String(error);
  }
}

function functionView(path, { post, get }, token) {
  const schema = post.requestBody?.content['application/json'].schema ?? {};
  const required = schema.required ?? [];
  const fields = Object.entries(schema.properties ?? {}).map(([name, one]) =>
    field(name, one, required.includes(name)),
  );
  const output = element('pre', { hidden: true });
  const command = element('pre', { hidden: true });
  const run = element('button', { type: 'button', textContent: 'Call' });
  run.addEventListener('click', () => {
    const request = requestFor(path, Object.fromEntries(fields.map(({ read }) => read())), token.value.trim());
    command.textContent = curlFor(location.origin, request);
    command.hidden = false;
    output.hidden = false;
    void call(request, output);
  });
  const notes = get === undefined ? 'has side effects: POST' : 'safe: GET or POST';
  return element(
    'details',
    {},
    element(
      'summary',
      {},
      element('code', { textContent: path }),
      ' ',
      element('span', { textContent: post.summary ?? '' }),
    ),
    element('p', { textContent: post.description ?? '' }),
    element('p', { className: 'hint', textContent: notes }),
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
    ...Object.entries(described.paths)
      .filter(([, item]) => item.post.tags.includes(name))
      .map(([path, item]) => functionView(path, item, token)),
  ]);
  place.replaceChildren(...views);
}

if (typeof document !== 'undefined') {
  document.querySelector('#token').addEventListener('change', () => void show());
  void show();
}
