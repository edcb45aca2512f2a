// Opens reports in headless Chromium and checks them as a reader would: on a desk and on a phone, in light and dark, by keyboard,
// on paper.
//
//     node browser.mjs MODULES SCREENSHOTS PAGE.html…
//
// MODULES is a folder with npm's playwright-core and axe-core. SCREENSHOTS is a folder for pictures, or `-` for none. Every PAGE
// has its numbers next to it, with the ending .json.
import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import {basename, resolve} from 'node:path';
import {pathToFileURL} from 'node:url';

const [modules, pictures, ...pages] = process.argv.slice(2);
const load = createRequire(resolve(modules, 'package.json'));
const {chromium} = load('playwright-core');
const axe = readFileSync(load.resolve('axe-core/axe.min.js'), 'utf8');

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--no-first-run'],
});

// axe runs in a page without the policy of the report, which forbids every script but the page's own.
async function open(file, options, bypassCSP = false) {
  const context = await browser.newContext({...options, bypassCSP});
  const page = await context.newPage();
  const messages = [], requests = [];
  page.on('console', message => messages.push(message.text()));
  page.on('pageerror', error => messages.push(error.message));
  page.on('request', request => requests.push(request.url()));
  const address = pathToFileURL(resolve(file)).href;
  await page.goto(address);
  return {page, context, messages, requests: () => requests.filter(url => url !== address && !url.startsWith('data:'))};
}

async function check(file, width, colorScheme) {
  const name = `${basename(file)} at ${width} px, ${colorScheme}`;
  const options = {viewport: {width, height: 900}, colorScheme, hasTouch: width < 600};
  const {page, context, messages, requests} = await open(file, options);
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(overflow <= 0, `${name}: the page scrolls sideways by ${overflow} px`);

  const cut = await page.evaluate(() => [...document.querySelectorAll('.caption, figcaption, .csv, .number, .sentence')]
    .filter(text => text.getBoundingClientRect().right > innerWidth || text.scrollWidth > text.clientWidth + 1).map(text => text.textContent));
  assert.deepEqual(cut, [], `${name}: texts that are cut off`);

  // Every shown number is that of report.json, in the order of the file.
  const data = JSON.parse(readFileSync(file.replace(/html$/, 'json'), 'utf8'));
  const tables = data.studies.flatMap(study => study.tables);
  const inside = JSON.parse(await page.locator('#data').textContent());
  assert.deepEqual(inside, data, `${name}: the data of the page differ from report.json`);
  for (const shown of await page.locator('main table').all()) {
    await checkTable(page, shown, tables, name);
  }

  // Focus and pointer read the same value out; arrow keys move on.
  for (const figure of await page.locator('figure').all()) {
    const marks = figure.locator('.values circle:visible');
    const count = await marks.count();
    if (count === 0) continue;
    const output = figure.locator('output');
    await marks.first().focus();
    assert.equal(await output.textContent(), await marks.first().getAttribute('aria-label'), `${name}: focus`);
    if (count > 1) {
      await page.keyboard.press('ArrowRight');
      assert.equal(await output.textContent(), await marks.nth(1).getAttribute('aria-label'), `${name}: arrow key`);
    }
    await marks.last().dispatchEvent('pointerover');
    assert.equal(await output.textContent(), await marks.last().getAttribute('aria-label'), `${name}: pointer`);
  }
  assert.deepEqual(messages, [], `${name}: messages on the console`);
  assert.deepEqual(requests(), [], `${name}: requests`);
  if (pictures !== '-') {
    await page.reload();
    await page.screenshot({path: `${pictures}/${pictureName(file)}-${width}-${colorScheme}.png`, fullPage: true});
  }
  await context.close();

  const audited = await open(file, options, true);
  await audited.page.evaluate(axe);
  const {violations} = await audited.page.evaluate(() => globalThis.axe.run());
  const found = violations.map(v => `${v.id}: ${v.help}: ${v.nodes.slice(0, 3).map(node => node.html.slice(0, 200)).join(' | ')}`);
  assert.deepEqual(found, [], `${name}: axe-core`);
  await audited.context.close();
}

// Sorts by keyboard, compares the order with that of the numbers, and reads the CSV link.
async function checkTable(page, shown, tables, name) {
  const id = await shown.getAttribute('id');
  const {columns, rows} = tables.find(table => table.id === id);
  assert.equal(await shown.locator('tbody tr').count(), rows.length, `${name}: rows of ${id}`);
  const cells = await shown.evaluate(table => {
    const heads = [...table.tHead.rows[0].cells].map(head => ({column: +head.dataset.c, text: head.textContent, n: head.className === 'n'}));
    return [...table.tBodies[0].rows].map(row => [...row.cells].map((cell, i) => ({...heads[i], row: +row.dataset.r, text: cell.textContent, title: heads[i].text})));
  });
  for (const cell of cells.flat().filter(cell => cell.n && cell.text !== '–')) {
    const value = rows[cell.row][cell.column];
    const factor = scale(cell.title);
    const read = number(cell.text) * factor;
    assert.ok(Math.abs(read - value) <= 6e-4 * Math.abs(value) + (factor === 1e-2 ? 0.0051 * factor : 0), `${name}: ${id}: ${cell.title}: ${cell.text} is not ${value}`);
  }
  const button = shown.locator('thead button').last();
  const column = +await shown.locator('thead th').last().getAttribute('data-c');
  for (const [direction, sign] of [['ascending', 1], ['descending', -1]]) {
    await button.focus();
    await page.keyboard.press('Enter');
    assert.equal(await shown.locator('thead th').last().getAttribute('aria-sort'), direction, `${name}: sort of ${id}`);
    const order = await shown.evaluate(table => [...table.tBodies[0].rows].map(row => +row.dataset.r));
    const values = order.map(row => rows[row][column]).filter(value => value !== null);
    const sorted = values.every((value, i) => i === 0 || !(sign > 0 ? value < values[i - 1] : value > values[i - 1]));
    assert.ok(sorted, `${name}: order of ${id}`);
  }
  const link = decodeURIComponent(await page.locator(`a[data-csv="${id}"]`).getAttribute('href'));
  const [head, ...lines] = link.replace(/^data:text\/csv,/, '').trimEnd().split('\n');
  assert.equal(head, columns.map(column => column.key).join());
  assert.equal(lines.length, rows.length);
}

// The factor of a unit in a column title: `power (mW)` has 1e-3, `accuracy (%)` 1e-2.
function scale(title) {
  const unit = title.match(/\(([^)]*)\)$/)?.[1] ?? '';
  if (unit === '%' || unit === 'points') return 1e-2;
  const prefix = unit.match(/^([afpnµmkMGT])(?:W|s|J|Hz|A|V|Ω|m)$/)?.[1];
  return prefix ? {a: 1e-18, f: 1e-15, p: 1e-12, n: 1e-9, µ: 1e-6, m: 1e-3, k: 1e3, M: 1e6, G: 1e9, T: 1e12}[prefix] : 1;
}

// `−1.2×10⁻³` as a number.
function number(text) {
  const digits = '⁰¹²³⁴⁵⁶⁷⁸⁹';
  const plain = text.replace('−', '-').replace(/^(-?)10([⁻⁰-⁹¹²³]+)$/u, '$11×10$2').replace(/×10/, 'e')
    .replace(/[⁻⁰¹²³⁴-⁹]/gu, c => c === '⁻' ? '-' : digits.indexOf(c));
  return Number(plain);
}

async function print(file) {
  const {page, context} = await open(file, {viewport: {width: 794, height: 1123}, colorScheme: 'dark'});
  await page.emulateMedia({media: 'print'});
  for (const scroll of await page.locator('.scroll').all()) {
    const hidden = await scroll.evaluate(box => box.scrollHeight - box.clientHeight);
    assert.ok(hidden <= 1 && await scroll.isVisible(), `${basename(file)} on paper: ${hidden} px of a table are cut off`);
  }
  const background = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  assert.equal(background, 'rgb(255, 255, 255)', `${basename(file)} on paper is not white`);
  if (pictures !== '-') {
    await page.pdf({path: `${pictures}/${pictureName(file)}-print.pdf`, format: 'A4', margin: {top: '15mm', bottom: '15mm', left: '15mm', right: '15mm'}});
  }
  await context.close();
}

function pictureName(file) {
  return resolve(file).split('/').slice(-2).join('-').replace(/\.html$/, '');
}

try {
  for (const file of pages) {
    for (const width of [1200, 390]) for (const scheme of ['light', 'dark']) await check(file, width, scheme);
    await print(file);
    console.log(`${file}: ok`);
  }
} finally {
  await browser.close();
}
