/** The way to every page: a menu of all by groups, and beside it the pages of the group that is open. */
import { useEffect, useRef } from 'preact/hooks';
import { groupsOf } from './groups.ts';
import { say } from './language.ts';
import type { Page } from './page.ts';
import { pages } from './pages.ts';
import { addressOf, route } from './route.ts';
import { texts } from './texts.ts';

export function Navigation({ page }: { readonly page: Page }) {
  const menu = useRef<HTMLDivElement>(null);
  const groups = groupsOf(pages);
  const own = groups.find((group) => group.pages.includes(page))!;
  // Whoever chose a page has seen enough of the menu.
  useEffect(() => menu.current?.hidePopover?.(), [route.value.page]);
  const link = (each: Page, summary: boolean) => (
    <a key={each.id} href={addressOf(each.id)} aria-current={each === page ? 'page' : undefined}>
      {say(each.title)}
      {summary && <span class="soft">{say(each.summary)}</span>}
    </a>
  );
  return (
    <nav aria-label={say(texts.pages)}>
      <button type="button" class="menu-button" data-testid="menu" popovertarget="menu">
        {say(texts.pages)}
      </button>
      {own.pages.map((each) => link(each, false))}
      <div class="menu" id="menu" ref={menu} popover="auto">
        <div class="menu-groups">
          {groups.map((group) => (
            <section key={group.title.en}>
              <h2>{say(group.title)}</h2>
              <ul>
                {group.pages.map((each) => (
                  <li key={each.id}>{link(each, true)}</li>
                ))}
              </ul>
            </section>
          ))}
        </div>
      </div>
    </nav>
  );
}
