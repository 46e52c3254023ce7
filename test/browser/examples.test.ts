// The examples, clicked through by two people in Chromium: what each sees, and that nothing which the other alone may see is in any byte that came.
import type { Locator } from 'playwright-core';
import t, { type Test } from 'tap';
import { button, type Person, paneOf, Stage, skip, statusOf, until } from './people.ts';

t.test('[F30] the pages of the examples', { skip }, async (t) => {
  const stage = await Stage.start();
  t.teardown(() => stage.close());
  await t.test('[F30] hearts: each is sent the own hand, of the other one’s how many cards it has', (t) =>
    hearts(t, stage),
  );
  await t.test('[F30] board: a hidden note is sent to its author alone', (t) => board(t, stage));
  await t.test('[F30] chat: who is here is known, and what is whispered is sent to one', (t) => chat(t, stage));
  await t.test('[F30] what is done while the proxy is away is done when it is back', (t) => away(t, stage));
  await t.test('[F30] two people on one page, and nobody yet', (t) => seats(t, stage));
  t.same(stage.complaints, [], 'no page broke its policy, and no module threw');
});

/** The cards of a hand as the page names them, "queen of spades", by what they are called on the wire, "Q♠". */
async function handOf({ pane }: Person): Promise<string[]> {
  const labels = await pane.locator('.hand button').evaluateAll((all: { ariaLabel: string }[]) => {
    return all.map((one) => one.ariaLabel);
  });
  return labels.map((label) => {
    const [rank = '', suit = ''] = label.split(' of ');
    const first = /^\d/.test(rank) ? rank : rank.slice(0, 1).toUpperCase();
    return first + ({ clubs: '♣', diamonds: '♦', spades: '♠', hearts: '♥' }[suit] ?? '?');
  });
}

async function hearts(t: Test, stage: Stage): Promise<void> {
  const [alice, bob] = (await stage.people('hearts', ['alice', 'bob'])) as [Person, Person];
  for (const { pane } of [alice, bob]) await button(pane, 'Sit down').click();
  await button(alice.pane, 'Deal').click();
  await Promise.all([alice, bob].map(({ pane }) => pane.locator('.hand button').nth(7).waitFor()));
  const hands = { alice: await handOf(alice), bob: await handOf(bob) };
  t.equal(new Set([...hands.alice, ...hands.bob]).size, 16, 'sixteen cards are dealt');
  t.match(await alice.pane.locator('.others').textContent(), /bob8 cards, 0 points/);
  t.equal(await bob.pane.locator('.hand button:enabled').count(), 0, 'it is not his turn');
  const played: string[] = [];
  for (let turns = 0; turns < 16; turns += 1) {
    const who = (await alice.pane.locator('.hand button:enabled').count()) > 0 ? alice : bob;
    const before = await handOf(who);
    // Alice plays by keys: the focus waits in her hand until she may play.
    if (who === bob) await bob.pane.locator('.hand button:enabled').first().click();
    else if (before.length === 8) await alice.pane.locator('.hand button:enabled').first().press('Enter');
    else await alice.pane.locator('.hand button:enabled:focus').press('Enter');
    await until('a card is gone', async () => (await handOf(who)).length < before.length);
    const after = await handOf(who);
    played.push(...before.filter((card) => !after.includes(card)));
    const other = who === alice ? bob : alice;
    await until('the other one has heard of it', () => Promise.resolve(other.heard().includes(played.at(-1) ?? '')));
    const said = { alice: alice.heard(), bob: bob.heard() };
    const isHidden = (card: string): boolean => !played.includes(card);
    t.same(
      hands.alice.filter(isHidden).filter((card) => said.bob.includes(card)),
      [],
      'bob has heard of none that she holds',
    );
    t.same(
      hands.bob.filter(isHidden).filter((card) => said.alice.includes(card)),
      [],
      'alice has heard of none that he holds',
    );
    const isNext = async (): Promise<boolean> => {
      const counts = await Promise.all([alice, bob].map(({ pane }) => pane.locator('.hand button:enabled').count()));
      return counts.some((count) => count > 0) || (await button(alice.pane, 'Deal again').isVisible());
    };
    await until('somebody has the turn', isNext);
  }
  await bob.pane.getByText('These slept').waitFor();
  t.match(await bob.pane.locator('.say').textContent(), /deal 1 is over/);
}

async function board(t: Test, stage: Stage): Promise<void> {
  const [alice, bob] = (await stage.people('board', ['alice', 'bob'])) as [Person, Person];
  await alice.pane.getByLabel('What the board is about').fill('A party');
  await button(alice.pane, 'Begin one in hiding').click();
  await alice.pane.locator('textarea:focus').waitFor();
  await alice.page.keyboard.type('a surprise for bob');
  await until('all is answered', async () => (await alice.pane.locator('.unsent').textContent()) === '');
  await button(bob.pane, 'Add a note').click();
  await bob.pane.locator('textarea:focus').waitFor();
  await bob.page.keyboard.type('lanterns');
  const seen = alice.pane.getByLabel('Note by bob', { exact: true });
  await until('alice reads it', async () => (await seen.count()) === 1 && (await seen.inputValue()) === 'lanterns');
  t.equal(await bob.pane.getByLabel('What the board is about').inputValue(), 'A party');
  t.equal(await alice.pane.locator('.note').count(), 2);
  t.equal(await bob.pane.locator('.note').count(), 1);
  t.notMatch(bob.heard(), /surprise|"isHidden":true/);

  const of = (person: Person, name: string) =>
    person.pane.locator('.note', { has: person.page.getByLabel(name, { exact: true }) });
  const placeOf = async (person: Person) => {
    return (await of(person, 'Note by bob').getAttribute('style'))?.match(/--x: ?\d+|--y: ?\d+/g)?.join();
  };
  const from = await placeOf(alice);
  await button(bob.pane, 'Move the note by bob').focus();
  for (let times = 0; times < 5; times += 1) await bob.page.keyboard.press('ArrowLeft');
  await bob.page.keyboard.press('ArrowDown');
  await until('it moves', async () => (await placeOf(alice)) !== from);
  const handle = (await of(alice, 'Note by bob').locator('header').boundingBox()) ?? { x: 0, y: 0 };
  await alice.page.mouse.move(handle.x + 60, handle.y + 8);
  await alice.page.mouse.down();
  await alice.page.mouse.move(handle.x + 300, handle.y + 220, { steps: 5 });
  await until('bob sees it on its way', async () => (await placeOf(alice)) === (await placeOf(bob)));
  await alice.page.mouse.up();
  await until('both see it there', async () => (await placeOf(alice)) === (await placeOf(bob)));
  await of(bob, 'Note by bob').hover();
  await button(of(bob, 'Note by bob'), 'Colour it pink').click();
  await alice.pane.locator('.note[data-colour=pink]').waitFor();

  await button(of(alice, 'Note by alice'), 'Show').click();
  await bob.pane.getByLabel('Note by alice', { exact: true }).waitFor();
  t.match(bob.heard(), 'a surprise for bob', 'once it is shown');
  await of(bob, 'Note by alice').hover();
  await button(of(bob, 'Note by alice'), 'Throw the note away').click();
  await until('it is gone', async () => (await alice.pane.locator('.note').count()) === 1);
  await button(bob.pane, 'Put the note back').click();
  await until('it is there again', async () => (await alice.pane.locator('.note').count()) === 2);
}

async function chat(t: Test, stage: Stage): Promise<void> {
  const [alice, bob, carol] = (await stage.people('chat', ['alice', 'bob', 'carol'])) as [Person, Person, Person];
  const say = async (from: Person, text: string): Promise<void> => {
    await from.pane.getByLabel('What you say').fill(text);
    await from.page.keyboard.press('Enter');
  };
  const present = (name: string): Locator => alice.pane.locator('.here li', { hasText: name });
  for (const name of ['alice (you)', 'bob', 'carol']) await present(name).waitFor();
  await carol.pane.getByLabel('What you say').pressSequentially('good');
  await alice.pane.getByText('carol is typing…').waitFor();
  await say(carol, 'good morning');
  await alice.pane.getByText('carol is typing…').waitFor({ state: 'detached' });
  for (const { pane } of [alice, bob]) await pane.getByText('good morning').waitFor();
  await alice.pane.getByLabel('To whom').selectOption('only to bob');
  await say(alice, 'she does not know');
  await bob.pane.getByText('she does not know').waitFor();
  await say(bob, 'what a day');
  for (const { pane } of [alice, carol]) await pane.getByText('what a day').waitFor();
  t.same(await carol.pane.locator('.messages .text').allTextContents(), ['good morning', 'what a day']);
  t.notMatch(carol.heard(), 'she does not know');
  await button(bob.pane, 'Unsay: what a day').click();
  await until('it is gone', async () => (await carol.pane.locator('.messages li').count()) === 1);
  await carol.page.close();
  await present('carol').waitFor({ state: 'detached' });
  t.ok(await present('bob').isVisible());
}

async function away(t: Test, stage: Stage): Promise<void> {
  const [carol] = (await stage.people('board', ['carol'])) as [Person];
  await stage.cluster.crash('proxy');
  await statusOf(carol.pane, 'resuming');
  const title = carol.pane.getByLabel('What the board is about');
  await title.fill('written without a proxy');
  await carol.pane.locator('.unsent', { hasText: '1 unsent' }).waitFor();
  await stage.cluster.restart('proxy');
  await statusOf(carol.pane, 'live');
  await until('it is sent', async () => (await carol.pane.locator('.unsent').textContent()) === '');
  const [dave] = (await stage.people('board', ['dave'])) as [Person];
  t.equal(await dave.pane.getByLabel('What the board is about').inputValue(), 'written without a proxy');
}

async function seats(t: Test, stage: Stage): Promise<void> {
  const { page } = await stage.open('/');
  await page.getByRole('link', { name: 'Alice and Bob, side by side' }).first().click();
  for (const name of ['alice', 'bob']) await statusOf(paneOf(page, name), 'live');
  await paneOf(page, 'bob').getByText('Everything the server told bob').click();
  await paneOf(page, 'bob').locator('pre', { hasText: '"stage": "over"' }).waitFor();
  await page.getByRole('link', { name: 'Open beside it, as carol' }).click();
  await statusOf(paneOf(page, 'carol'), 'live');
  await page.goto(new URL('.', page.url()).href);
  await page.getByLabel('Who are you?').fill('eve');
  await page.getByRole('button', { name: 'Come in' }).click();
  await statusOf(paneOf(page, 'eve'), 'live');
  t.equal(new URL(page.url()).search, '?as=eve');
}
