/**
 * The page's only script: pictures on hover, and a panel on click or Enter, for the points of the maps. Text is set as text,
 * never as markup. Without it the maps are still drawings.
 */
export const script = `
'use strict';
(() => {
  const read = (id) => JSON.parse(document.getElementById(id).textContent);
  const make = (name, className, text) => {
    const element = document.createElement(name);
    if (className) element.className = className;
    if (text !== undefined) element.textContent = text;
    return element;
  };
  const sheets = read('sheets');
  const picture = (digest, row, size) => {
    const element = make('span', 'picture');
    const sheet = sheets[digest];
    const place = sheet ? sheet.rows.indexOf(row) : -1;
    element.style.width = element.style.height = size + 'px';
    if (place >= 0) {
      element.style.backgroundImage = 'var(--sheet-' + sheet.index + ')';
      element.style.backgroundSize = sheet.columns * size + 'px ' + sheet.lines * size + 'px';
      element.style.backgroundPosition = -(place % sheet.columns) * size + 'px ' + -Math.floor(place / sheet.columns) * size + 'px';
    }
    return element;
  };
  const percent = (share) => (100 * share).toFixed(1) + ' %';
  for (const map of document.querySelectorAll('.map')) {
    const { digest, classes, points } = read(map.dataset.map);
    const panel = map.querySelector('.panel');
    const tip = make('div', 'tip');
    const name = (label) => classes[label] ?? String(label);
    const said = ([, label, predicted, confidence]) =>
      predicted === null ? name(label) : predicted === label
        ? name(label) + ', recognised'
        : name(label) + ', taken for ' + name(predicted);
    const dots = (stage) => [...stage.querySelectorAll('[data-point]')];
    const mark = (at) => {
      const near = new Set(points[at][4]);
      for (const dot of map.querySelectorAll('[data-point]')) {
        const own = Number(dot.dataset.point);
        dot.classList.toggle('on', own === at);
        dot.classList.toggle('near', near.has(own));
      }
    };
    const show = (at) => {
      const [row, label, predicted, confidence, near] = points[at];
      mark(at);
      panel.replaceChildren();
      panel.append(picture(digest, row, 96));
      const facts = make('dl');
      const fact = (term, text) => facts.append(make('dt', '', term), make('dd', '', text));
      fact('true', name(label));
      if (predicted !== null) fact('predicted', name(predicted));
      if (confidence !== null) fact('confidence', percent(confidence));
      fact('test row', String(row));
      panel.append(make('h3', '', said(points[at])), facts, make('h3', '', 'Nearest in the embedding'));
      const list = make('ul', 'pictures');
      for (const other of near) {
        const item = make('li');
        const button = make('button');
        button.type = 'button';
        button.style.cssText = 'all:unset;cursor:pointer;display:block';
        button.append(picture(digest, points[other][0], 44));
        button.setAttribute('aria-label', said(points[other]));
        button.addEventListener('click', () => show(other));
        button.addEventListener('focus', () => { button.style.outline = '2px solid var(--focus)'; });
        button.addEventListener('blur', () => { button.style.outline = ''; });
        item.append(button, make('span', '', name(points[other][1])));
        list.append(item);
      }
      panel.append(list);
    };
    const surest = points.reduce((best, each, at) =>
      each[2] !== null && each[2] !== each[1] && (best < 0 || each[3] > points[best][3]) ? at : best, -1);
    show(Math.max(0, surest));
    const hover = (at, x, y) => {
      tip.replaceChildren(picture(digest, points[at][0], 72), make('div', '', said(points[at])));
      document.body.append(tip);
      tip.style.left = Math.max(4, Math.min(x + 14, innerWidth - 164)) + 'px';
      tip.style.top = Math.max(4, Math.min(y + 14, innerHeight - 140)) + 'px';
    };
    for (const stage of map.querySelectorAll('.stage')) {
      let current = -1;
      const pointOf = (event) => event.target.closest ? event.target.closest('[data-point]') : null;
      stage.addEventListener('click', (event) => {
        const dot = pointOf(event);
        if (!dot) return;
        current = Number(dot.dataset.point);
        show(current);
      });
      stage.addEventListener('pointermove', (event) => {
        const dot = event.pointerType === 'touch' ? null : pointOf(event);
        if (dot) hover(Number(dot.dataset.point), event.clientX, event.clientY);
        else tip.remove();
      });
      stage.addEventListener('pointerleave', () => tip.remove());
      stage.tabIndex = 0;
      stage.setAttribute('role', 'group');
      stage.setAttribute('aria-label', 'Map of test images. Arrow keys go from image to image, Enter shows one.');
      stage.addEventListener('blur', () => tip.remove());
      stage.addEventListener('keydown', (event) => {
        const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
        if (event.key === 'Enter' && current >= 0) { show(current); event.preventDefault(); return; }
        if (event.key === 'Escape') { tip.remove(); return; }
        if (!step) return;
        event.preventDefault();
        const all = dots(stage).map((dot) => {
          const box = dot.getBoundingClientRect();
          return { at: Number(dot.dataset.point), x: box.x + box.width / 2, y: box.y + box.height / 2 };
        });
        const from = all.find(({ at }) => at === current);
        if (!from) current = all[0].at;
        else {
          let best = null;
          for (const each of all) {
            const along = (each.x - from.x) * step[0] + (each.y - from.y) * step[1];
            const across = Math.abs((each.x - from.x) * step[1]) + Math.abs((each.y - from.y) * step[0]);
            if (along > 0.5 && (!best || along + 2 * across < best.cost)) best = { at: each.at, cost: along + 2 * across };
          }
          if (best) current = best.at;
        }
        const place = all.find(({ at }) => at === current);
        mark(current);
        hover(current, place.x, place.y);
      });
    }
  }
})();
`;
