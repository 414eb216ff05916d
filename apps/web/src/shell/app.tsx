/** The frame around every page: navigation, language, theme, and what happens when a page fails. */
import { Component, type ComponentChildren, type ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { messageOf } from '../service/messageOf.ts';
import type { BackendName } from '../service/worker/computing.ts';
import { backend, backendTitles, chooseBackend } from './backend.ts';
import { chooseLanguage, language, languageNames, say } from './language.ts';
import { Navigation } from './navigation.tsx';
import type { PageProperties } from './page.ts';
import { pages } from './pages.ts';
import { addressOf, route } from './route.ts';
import { texts } from './texts.ts';
import { theme, toggleTheme } from './theme.ts';

export function App() {
  const known = pages.findIndex((page) => page.id === route.value.page);
  const page = pages[Math.max(0, known)];
  const next = pages[(pages.indexOf(page) + 1) % pages.length];
  const [loaded, setLoaded] = useState<{ id: string; Page: ComponentType<PageProperties> } | null>(null);
  const [failure, setFailure] = useState<string | null>(null);

  useEffect(() => {
    let current = true;
    setFailure(null);
    page.load().then(
      (module) => current && setLoaded({ id: page.id, Page: module.default }),
      (error: unknown) => current && setFailure(messageOf(error)),
    );
    document.title = `${say(page.title)} — ag`;
    return () => {
      current = false;
    };
  }, [page]);

  return (
    <>
      <button type="button" class="skip" onClick={() => document.getElementById('main')?.focus()}>
        {say(texts.skip)}
      </button>
      <header>
        <a class="brand" href={addressOf('home')}>
          <img src="./icon.svg" alt="" width="28" height="28" />
          ag
        </a>
        <Navigation page={page} />
        <div class="settings">
          <select
            data-testid="backend"
            aria-label={say(texts.backend)}
            title={say(texts.backend)}
            value={backend.value}
            onChange={(event) => chooseBackend(event.currentTarget.value as BackendName)}
          >
            {Object.entries(backendTitles).map(([name, title]) => (
              <option key={name} value={name} selected={name === backend.value}>
                {title}
              </option>
            ))}
          </select>
          <button
            type="button"
            data-testid="language"
            onClick={() => chooseLanguage(language.value === 'en' ? 'zh' : 'en')}
          >
            {languageNames[language.value === 'en' ? 'zh' : 'en']}
          </button>
          <button type="button" data-testid="theme" onClick={toggleTheme} aria-label={say(texts.theme)}>
            {theme.value === 'dark' ? '☀' : '☾'}
          </button>
        </div>
      </header>
      <Note float64={page.float64 ?? false} />
      <main id="main" tabIndex={-1} data-page={page.id}>
        <h1>{say(page.title)}</h1>
        {failure !== null ? (
          <p class="card alarm" role="alert" data-testid="page-failure">
            {say(texts.notLoaded)}
            {failure}
          </p>
        ) : (
          <div class="page">
            {loaded?.id === page.id ? (
              // What computes does so from the start.
              <Guard key={page.float64 ? page.id : `${page.id} ${backend.value}`}>
                <loaded.Page pages={pages} />
              </Guard>
            ) : (
              <p class="loading">{say(texts.loading)}</p>
            )}
          </div>
        )}
        {next !== page && (
          <p class="next">
            <a href={addressOf(next.id)}>
              {say(texts.next)}
              {say(next.title)} →
            </a>
          </p>
        )}
      </main>
      <Guide />
    </>
  );
}

/** The lesson that is on, if one is. Loaded only then. */
function Guide() {
  const [Loaded, setLoaded] = useState<ComponentType | null>(null);
  const wanted =
    Loaded === null && (route.value.page === 'lessons' || localStorage.getItem('ag.lesson') !== null);
  useEffect(() => {
    if (wanted) void import('../lessons/strip.tsx').then(({ LessonStrip }) => setLoaded(() => LessonStrip));
  }, [wanted]);
  return Loaded && <Loaded />;
}

/** Why something else computes than was asked for. */
function Note({ float64 }: { readonly float64: boolean }) {
  const [Loaded, setLoaded] = useState<ComponentType<{ float64: boolean }> | null>(null);
  const wanted = backend.value === 'webgpu';
  useEffect(() => {
    if (wanted && !Loaded)
      void import('./note/backendNote.tsx').then(({ BackendNote }) => setLoaded(() => BackendNote));
  }, [wanted]);
  return (
    <div role="status" data-testid="backend-note">
      {wanted && Loaded && <Loaded float64={float64} />}
    </div>
  );
}

/** Shows an error of a page in its place; the rest of the application goes on. */
class Guard extends Component<{ children: ComponentChildren }, { error: Error | null }> {
  override state = { error: null as Error | null };

  override componentDidCatch(error: Error): void {
    this.setState({ error });
  }

  override render() {
    if (!this.state.error) return this.props.children;
    return (
      <div class="card alarm" role="alert" data-testid="page-failure">
        <p>{this.state.error.message}</p>
        <button type="button" onClick={() => this.setState({ error: null })}>
          {say(texts.retry)}
        </button>
      </div>
    );
  }
}
