/**
 * The page on which people try a model: it sends a photo to its own server and shows what the answer says. Text is set as
 * text, never as markup; nothing is asked of any other server.
 *
 * @typedef {{ row: number, name: string, label?: string, score: number, picture: string | null }} Neighbour
 * @typedef {{ label: string, confidence: number, calibrated: boolean, guesses: { label: string, confidence: number }[], unknown: boolean | null, alike: string | null, because: string, neighbours: Neighbour[] }} Prediction
 * @typedef {{ model: string, version: number | null, encoder: string, index: string | null }} ServedBy
 * @typedef {ServedBy & { classes: string[] | null, products: number | null, problem: string | null, waiting: { version: number, reason: string } | null }} Model
 * @typedef {{ models: Model[], limits: { imageBytes: number } }} Models
 */

const tokenKey = 'contrail-token';
const shownNeighbours = 12;

/** @param {string} id */
const find = (id) => /** @type {HTMLElement} */ (document.getElementById(id));
const file = /** @type {HTMLInputElement} */ (find('file'));
const camera = /** @type {HTMLInputElement} */ (find('camera'));
const tokenField = /** @type {HTMLInputElement} */ (find('token'));
const photo = /** @type {HTMLImageElement} */ (find('photo'));
const drop = find('drop');

let token = sessionStorage.getItem(tokenKey) ?? '';
/** @type {Models | null} */
let models = null;
/** The number of the last photo: an answer to an earlier one is not shown. */
let turn = 0;
/** @type {string[]} */
let pictures = [];

class Refused extends Error {
  /** @param {number} status @param {string} message */
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/**
 * @param {string} path
 * @param {RequestInit} [options]
 * @returns {Promise<Response>}
 */
async function ask(path, options = {}) {
  const headers = new Headers(options.headers);
  if (token !== '') headers.set('authorization', `Bearer ${token}`);
  const answer = await fetch(path, { ...options, headers, cache: options.cache ?? 'no-store' }).catch(() => {
    throw new Refused(0, 'The server does not answer.');
  });
  if (answer.ok) return answer;
  const said = await answer.json().catch(() => null);
  throw new Refused(answer.status, said?.error?.message ?? `The server answered with ${answer.status}.`);
}

/** @param {string} name @param {string} text @param {string} [className] */
function make(name, text, className) {
  const element = document.createElement(name);
  element.textContent = text;
  if (className) element.className = className;
  return element;
}

/** @param {number} share */
const percent = (share) => `${(100 * share).toFixed(1)} %`;

/** @param {string} text @param {boolean} [failed] */
function say(text, failed = false) {
  find('status').textContent = text;
  find('status').classList.toggle('failed', failed);
}

async function begin() {
  try {
    models = await (await ask('/v1/models')).json();
  } catch (error) {
    if (error instanceof Refused && error.status === 401) return askForToken();
    find('about').textContent = error instanceof Error ? error.message : String(error);
    return;
  }
  find('token-form').hidden = true;
  find('try').hidden = false;
  const [model] = models?.models ?? [];
  if (!model) return;
  find('model').textContent = model.model;
  document.title = `${model.model} – Contrail`;
  const parts = [
    model.version === null ? 'of a run' : `version ${model.version}`,
    model.classes ? `${model.classes.length} classes` : 'no classes',
    model.products === null
      ? 'no look-alikes'
      : `look-alikes among ${model.products.toLocaleString('en').replaceAll(',', '\u00a0')} images`,
    ...(model.problem === null ? [] : [model.problem]),
  ];
  find('about').textContent =
    `${parts.join(' · ')}${model.waiting ? ` · version ${model.waiting.version} waits: ${model.waiting.reason}` : ''}`;
}

function askForToken() {
  find('about').textContent = '';
  find('try').hidden = true;
  find('result').hidden = true;
  find('token-wrong').textContent = token === '' ? '' : 'The server does not take this token.';
  find('token-form').hidden = false;
  tokenField.focus();
}

/** @param {File | Blob | null | undefined} blob */
async function tryPhoto(blob) {
  const [model] = models?.models ?? [];
  if (!blob || !model) return;
  const mine = ++turn;
  const limit = models?.limits.imageBytes ?? Number.POSITIVE_INFINITY;
  if (blob.size > limit) return refuse(`The photo is too large: at most ${Math.round(limit / 2 ** 20)} MiB are taken.`);
  say('Looking …');
  const path = model.classes ? '/v1/predict' : model.products === null ? '/v1/embed' : '/v1/similar';
  const query = path === '/v1/embed' ? '' : `?k=${shownNeighbours}`;
  try {
    const answer = await ask(`${path}${query}`, {
      method: 'POST',
      body: blob,
      headers: { 'content-type': /^image\/[\w.+-]+$/.test(blob.type) ? blob.type : 'application/octet-stream' },
    });
    const said = await answer.json();
    if (mine !== turn) return;
    say('');
    show(blob, said, said.results[0]);
  } catch (error) {
    if (mine !== turn) return;
    if (error instanceof Refused && error.status === 401) return askForToken();
    refuse(error instanceof Error ? error.message : String(error));
  }
}

/** Says why there is no answer; that of an earlier photo would be taken for it. @param {string} why */
function refuse(why) {
  find('result').hidden = true;
  say(why, true);
  find('status').scrollIntoView({ block: 'nearest' });
}

/** @param {Blob} blob @param {ServedBy} by @param {Partial<Prediction>} result */
function show(blob, by, result) {
  for (const url of pictures) URL.revokeObjectURL(url);
  pictures = [URL.createObjectURL(blob)];
  photo.src = pictures[0] ?? '';
  const { label, confidence, unknown, alike, because = '', guesses = [], neighbours = [] } = result;
  find('result').classList.toggle('unknown', unknown === true);
  find('answer').textContent =
    label === undefined
      ? 'No class is named'
      : unknown === true
        ? alike
          ? `Unknown, perhaps ${alike}`
          : 'Unknown'
        : `${label}, ${percent(confidence ?? 0)}`;
  find('because').textContent = because === '' ? '' : reasonOf(result);
  find('guesses').replaceChildren(
    ...guesses.map((guess) => {
      const line = document.createElement('li');
      const meter = document.createElement('meter');
      meter.value = guess.confidence;
      meter.setAttribute('aria-hidden', 'true');
      line.append(make('span', guess.label), make('span', percent(guess.confidence)), meter);
      return line;
    }),
  );
  find('alike').hidden = by.index === null;
  find('neighbours').replaceChildren(...neighbours.map(card));
  find('by').textContent = [
    `Model ${by.model}${by.version === null ? '' : `, version ${by.version}`}`,
    `encoder ${by.encoder.slice(0, 12)}`,
    ...(by.index === null ? [] : [`index ${by.index.slice(0, 12)}`]),
  ].join(' · ');
  const [served] = models?.models ?? [];
  // Another version serves since, with other classes or images.
  if (served && (served.version !== by.version || served.index !== by.index)) void begin();
  find('result').hidden = false;
  find('result').focus({ preventScroll: true });
  find('result').scrollIntoView({ block: 'nearest' });
}

/** @param {Partial<Prediction>} result */
function reasonOf({ unknown, alike, because, calibrated, label }) {
  const said =
    unknown === null
      ? `Whether it is of another kind altogether is not said: ${because}.`
      : alike
        ? `It counts as unknown: ${because}. Of the classes, the likeliest would be ${label}.`
        : unknown
          ? `It counts as unknown: ${because}. The nearest class would be ${label}.`
          : `It counts as known: ${because}.`;
  return calibrated ? said : `${said} The confidence is not calibrated.`;
}

/** @param {Neighbour} neighbour */
function card({ name, label, score, picture }) {
  const item = document.createElement('li');
  const image = document.createElement('img');
  image.alt = '';
  const none = make('div', '', 'none');
  item.append(
    none,
    ...(label === undefined ? [] : [make('b', label)]),
    make('div', name),
    make('div', `similarity ${score.toFixed(3)}`, 'score'),
  );
  if (picture !== null)
    ask(picture, { cache: 'default' })
      .then((answer) => answer.blob())
      .then((blob) => {
        const url = URL.createObjectURL(blob);
        pictures.push(url);
        image.src = url;
        none.replaceWith(image);
      })
      // A newer version took the index's place; the name says what it is.
      .catch(() => {});
  return item;
}

find('token-form').addEventListener('submit', (event) => {
  event.preventDefault();
  token = tokenField.value.trim();
  sessionStorage.setItem(tokenKey, token);
  tokenField.value = '';
  void begin();
});
for (const input of [file, camera])
  input.addEventListener('change', () => {
    void tryPhoto(input.files?.[0]);
    // The same photo again is a change, too.
    input.value = '';
  });
for (const name of ['dragenter', 'dragover'])
  document.addEventListener(name, (event) => {
    event.preventDefault();
    drop.classList.add('over');
  });
for (const name of ['dragleave', 'drop']) document.addEventListener(name, () => drop.classList.remove('over'));
document.addEventListener('drop', (event) => {
  event.preventDefault();
  void tryPhoto(event.dataTransfer?.files[0]);
});
document.addEventListener('paste', (event) => {
  const pasted = [...(event.clipboardData?.files ?? [])].find(({ type }) => type.startsWith('image/'));
  if (pasted) void tryPhoto(pasted);
});
void begin();
