/// What draws the layer that a reader chooses: its integers, its channels' sums, and its activations, from the page's data.
enum ModelScript {
  static let text = #"""
    const models = JSON.parse(document.getElementById('data').textContent);
    const strips = [...document.querySelectorAll('.strip')];
    const tables = [...document.querySelectorAll('table.layers')];
    const panels = document.getElementById('panels');
    const make = (tag, properties, ...children) => {
      const element = Object.assign(document.createElement(tag), properties);
      element.append(...children);
      return element;
    };
    const draw = (tag, attributes) => {
      const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
      for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
      return element;
    };
    const short = value => Number(value.toPrecision(3)).toString();
    const percent = share => (share > 0 && share < 0.0005 ? '<0.1' : (100 * share).toFixed(1)) + ' %';

    // A plot of bars from `from` to `to` in a box of 100 units height, each with a sentence. The bar under the pointer, or the
    // one that the arrow keys move to, is said below.
    function plot(title, summary, bars, { extras = [], ends = [], baseline = 100 }) {
      const image = draw('svg', {
        viewBox: `0 0 ${bars.length} 100`, preserveAspectRatio: 'none', tabindex: 0, role: 'img', 'aria-label': `${title}: ${summary}`,
      });
      const before = extras.filter(extra => extra.behind), after = extras.filter(extra => !extra.behind);
      const add = extra => image.append(draw(extra.tag, extra.attributes));
      before.forEach(add);
      const shapes = bars.map((bar, index) => {
        const shape = draw('rect', {
          x: index + 0.04, width: 0.92, y: Math.min(bar.from, bar.to), height: Math.max(Math.abs(bar.to - bar.from), bar.empty ? 0 : 0.8),
          class: `bar ${bar.kind ?? ''}`,
        });
        image.append(shape);
        return shape;
      });
      image.append(draw('line', { class: 'zero', x1: 0, x2: bars.length, y1: baseline, y2: baseline }));
      after.forEach(add);
      const said = make('output', { textContent: summary });
      let at = -1;
      const point = index => {
        if (at >= 0) shapes[at].classList.remove('at');
        at = index;
        if (at >= 0) shapes[at].classList.add('at');
        said.textContent = at >= 0 ? bars[at].text : summary;
      };
      image.addEventListener('pointermove', event => {
        const box = image.getBoundingClientRect();
        point(Math.min(Math.max(Math.floor((event.clientX - box.left) / box.width * bars.length), 0), bars.length - 1));
      });
      image.addEventListener('pointerleave', () => point(-1));
      image.addEventListener('blur', () => point(-1));
      image.addEventListener('keydown', event => {
        const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
        const to = event.key === 'Home' ? 0 : event.key === 'End' ? bars.length - 1
          : step ? Math.min(Math.max(at + step, 0), bars.length - 1) : undefined;
        if (to === undefined) return;
        event.preventDefault();
        point(to);
      });
      return make('figure', {}, make('figcaption', { textContent: title }), image,
        make('div', { className: 'ends' }, ...ends.map(text => make('span', { textContent: text }))), said);
    }

    function weights({ first, step, counts }) {
      const most = Math.max(...counts), total = counts.reduce((a, b) => a + b, 0);
      const name = index => step === 1 ? `${first + index}` : `${first + index * step} to ${first + (index + 1) * step - 1}`;
      const bars = counts.map((count, index) => ({
        from: 100, to: 100 - 100 * count / most, empty: count === 0, text: `${name(index)}: ${count} of ${total} weights (${percent(count / total)})`,
      }));
      return plot('Integers of the weight', `${total} weights, the most frequent integer ${name(counts.indexOf(most))}`, bars,
        { ends: [name(0), name(counts.length - 1)] });
    }

    function register({ caption, low, high, channels, bars }) {
      const [least, most] = [Number(low), Number(high)];
      const uses = bars.map(([, minimum, maximum]) => [Number(maximum) / Math.max(most, 1), Number(minimum) / least]);
      const scale = 46 / Math.max(1, ...uses.flat());
      const drawn = bars.map(([channel, minimum, maximum, positive, negative, budget], index) => ({
        from: 50 - scale * uses[index][0], to: 50 + scale * uses[index][1],
        kind: Math.max(...uses[index]) > 1 ? 'over' : '',
        text: `Channel ${channel}${channels > bars.length ? ', the fullest here' : ''}: positive weights sum to ${positive}, negative ones to -${negative}`
          + (budget === null ? '' : ` (norm ${Number(positive) + Number(negative)}, balanced budget ${budget})`)
          + `; partial sums ${minimum} … ${maximum} of ${low} … ${high}`,
      }));
      const limit = y => ({ tag: 'line', attributes: { class: 'limit', x1: 0, x2: bars.length, y1: y, y2: y } });
      return plot('Sums of each channel against its budget', caption, drawn,
        { extras: [limit(50 - scale), limit(50 + scale)], ends: ['channel 0', `${channels - 1}`], baseline: 50 });
    }

    function activations(found) {
      const { start, width, bars, below, above, clip_low: low, clip_high: high } = found;
      const tall = count => Math.log1p(count);
      const most = Math.max(1, ...bars.map(tall));
      const middle = index => start + (index + 0.5) * width;
      const drawn = bars.map((count, index) => {
        const isCut = middle(index) < low || middle(index) > high;
        return {
          from: 100, to: 100 - 100 * tall(count) / most, empty: count === 0, kind: isCut ? 'cut' : '',
          text: `${short(start + index * width)} to ${short(start + (index + 1) * width)}: ${count} values${isCut ? ', clipped' : ''}`,
        };
      });
      const place = value => (value - start) / width;
      const limit = value => ({ tag: 'line', attributes: { class: 'limit', x1: place(value), x2: place(value), y1: 0, y2: 100 } });
      const beyond = below + above > 0 ? `; ${below + above} farther out than is drawn` : '';
      const range = found.minimum === null ? '' : `, from ${short(found.minimum)} to ${short(found.maximum)}`;
      return plot('Activations that it reads (logarithmic)',
        `${found.count} values${range}; ${found.clipped} (${percent(found.clipped / Math.max(found.count, 1))}) beyond the clipping range ${short(low)} … ${short(high)}${beyond}`,
        drawn, {
          extras: [
            { behind: true, tag: 'rect', attributes: { class: 'held', x: place(low), width: place(high) - place(low), y: 0, height: 100 } },
            limit(low), limit(high),
          ], ends: [short(start), short(start + bars.length * width)],
        });
    }

    const facts = rows => make('dl', { className: 'facts' },
      ...rows.map(([name, value]) => make('div', {}, make('dt', { textContent: name }), make('dd', { textContent: value }))));
    const note = text => make('p', { className: 'soft small', textContent: text });

    function panel(model, index) {
      const layer = models[model].layers[index];
      const card = make('section', { className: 'card' });
      if (models.length > 1) card.append(make('p', { className: 'small soft', textContent: models[model].title }));
      if (!layer) {
        card.append(note('It has no layer of that name.'));
        return card;
      }
      const row = tables[model].querySelector(`tr[data-index="${index}"]`);
      const head = [...tables[model].tHead.rows[0].cells].map(cell => cell.textContent);
      card.append(make('h3', { textContent: layer.name }), facts([...row.cells].slice(1).map((cell, at) => [head[at + 1], cell.textContent])));
      const plots = make('div', { className: 'plots' });
      if (layer.weights) plots.append(weights(layer.weights));
      plots.append(...layer.registers.map(register));
      if (layer.activations) plots.append(activations(layer.activations));
      card.append(plots);
      if (!layer.weights) card.append(note('There are no constant integers of at most 16 bits to count.'));
      if (!layer.registers.length) card.append(note('There are no sums of integers that are known for each channel.'));
      if (!layer.activations)
        card.append(note(models[model].compared ? 'The spread of its activations is not known: the file states no quantizer of them.'
          : "The spread of its activations, and what it loses, are not known to this page: 'snug compare --html' measures both on samples."));
      if (layer.loss.length) card.append(make('h4', { textContent: 'What it loses' }), facts(layer.loss));
      if (layer.counterexample) card.append(make('pre', { textContent: layer.counterexample }));
      return card;
    }

    // Chooses a layer of one model, and those of the same name in the others.
    function choose(model, index) {
      const name = models[model].layers[index].name;
      const chosen = models.map((other, at) => at === model ? index : other.layers.findIndex(layer => layer.name === name));
      panels.replaceChildren(...models.map((_, at) => panel(at, chosen[at])));
      strips.forEach((strip, at) => [...strip.children].forEach((cell, place) => {
        cell.setAttribute('aria-selected', place === chosen[at]);
        cell.tabIndex = place === Math.max(chosen[at], 0) ? 0 : -1;
      }));
      tables.forEach((table, at) => {
        for (const row of table.tBodies[0].rows) row.classList.toggle('selected', Number(row.dataset.index) === chosen[at]);
      });
    }
    strips.forEach((strip, model) => {
      strip.addEventListener('click', event => {
        const cell = event.target.closest('button');
        if (cell) choose(model, Number(cell.dataset.layer));
      });
      strip.addEventListener('keydown', event => {
        const cells = [...strip.children], at = cells.indexOf(document.activeElement);
        const to = { ArrowRight: at + 1, ArrowDown: at + 1, ArrowLeft: at - 1, ArrowUp: at - 1, Home: 0, End: cells.length - 1 }[event.key];
        if (to === undefined || !cells[to]) return;
        event.preventDefault();
        choose(model, to);
        cells[to].focus();
      });
    });
    tables.forEach((table, model) => {
      table.tBodies[0].addEventListener('click', event => {
        const row = event.target.closest('tr');
        if (row) choose(model, Number(row.dataset.index));
      });
      table.addEventListener('filtered', () => {
        for (const row of table.tBodies[0].rows) strips[model].children[row.dataset.index].classList.toggle('out', row.hidden);
      });
    });
    // The layer with the least headroom is shown first.
    const first = models.findIndex(model => model.layers.length);
    if (first >= 0) {
      const room = models[first].layers.map(layer => layer.headroom ?? Infinity);
      choose(first, room.indexOf(Math.min(...room)));
    }
    """#
}
