import { useGraphiQL, useGraphiQLActions } from '@graphiql/react';
import { type ChangeEvent, type FormEvent, useState } from 'react';
import type { DemoKey } from './config';
import type { Status } from './connection';
import { examples } from './examples';
import icon from './icon.svg';
import type { Choice } from './keys';

interface KeyProps {
  keys: DemoKey[];
  choice: Choice;
  onChoose: (choice: Choice) => void;
}

/** The bar on top: which key, whether the live connection is up, light or dark. */
export function Header({ status, ...keys }: KeyProps & { status: Status }) {
  return (
    <header className="bar">
      <h1>
        <img src={icon} alt="" /> Tidemark <small>playground</small>
      </h1>
      <ExampleMenu />
      <KeyPicker {...keys} />
      <Live {...status} />
      <ThemeSwitch />
    </header>
  );
}

function ExampleMenu() {
  const { addTab, changeTab } = useGraphiQLActions();
  const { tabs, editor } = useGraphiQL(({ tabs, queryEditor }) => ({ tabs, editor: queryEditor }));
  const open = (event: ChangeEvent<HTMLSelectElement>) => {
    const example = examples.find(({ name }) => name === event.target.value);
    if (!example || !editor) return;
    const there = tabs.findIndex(({ query }) => query === example.document);
    if (there >= 0) return changeTab(there);
    addTab();
    editor.setValue(example.document);
  };
  return (
    <select className="examples" aria-label="Open an example" value="" onChange={open}>
      <option value="" disabled hidden>
        Examples
      </option>
      {examples.map(({ name, about }) => (
        <option key={name} title={about}>
          {name}
        </option>
      ))}
    </select>
  );
}

const ownKey = '';

function KeyPicker({ keys, choice, onChoose }: KeyProps) {
  const own = 'own' in choice;
  const pick = (event: ChangeEvent<HTMLSelectElement>) => {
    const name = event.target.value;
    onChoose(name === ownKey ? { own: '' } : { demo: name });
  };
  return (
    <div className="key">
      <label htmlFor="key">Key</label>
      {keys.length > 0 && (
        <select id="key" value={own ? ownKey : choice.demo} onChange={pick}>
          {keys.map(({ name }) => (
            <option key={name}>{name}</option>
          ))}
          <option value={ownKey}>My own key…</option>
        </select>
      )}
      {own && <OwnKey value={choice.own} onEnter={(key) => onChoose({ own: key })} />}
    </div>
  );
}

// Taken on Enter and on leaving the field: each new key is a new connection.
function OwnKey({ value, onEnter }: { value: string; onEnter: (key: string) => void }) {
  const [draft, setDraft] = useState(value);
  const enter = (event?: FormEvent) => {
    event?.preventDefault();
    if (draft.trim() !== value) onEnter(draft.trim());
  };
  return (
    <form onSubmit={enter}>
      <input
        type="password"
        aria-label="Your key"
        placeholder="Paste a key: tmr_…"
        autoComplete="off"
        spellCheck={false}
        value={draft}
        onChange={(event) => setDraft(event.target.value)}
        onBlur={() => enter()}
      />
    </form>
  );
}

const states = {
  off: { word: 'No key', hint: 'Pick or paste a key, and the live connection opens.' },
  connecting: { word: 'Connecting', hint: 'Opening the live connection.' },
  up: { word: 'Live', hint: 'The live connection is up: subscriptions are answered over it.' },
  down: { word: 'Not live', hint: 'The live connection is down.' },
  refused: { word: 'Key refused', hint: 'The server refuses this key.' },
};

function Live({ state, reason }: Status) {
  const { word, hint } = states[state];
  return (
    <output className={`live ${state}`} title={reason ?? hint}>
      {word}
    </output>
  );
}

function ThemeSwitch() {
  const theme = useGraphiQL((state) => state.theme);
  const { setTheme } = useGraphiQLActions();
  const dark = theme ? theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
  const label = dark ? 'Switch to light' : 'Switch to dark';
  return (
    <button
      type="button"
      className="theme"
      title={label}
      aria-label={label}
      onClick={() => setTheme(dark ? 'light' : 'dark')}
    >
      {dark ? <Sun /> : <Moon />}
    </button>
  );
}

const Sun = () => (
  <svg viewBox="0 0 24 24" aria-hidden="true">
    <circle cx="12" cy="12" r="4" />
    <path d="M12 2.5v2.5M12 19v2.5M2.5 12h2.5M19 12h2.5M5.3 5.3l1.8 1.8M16.9 16.9l1.8 1.8M5.3 18.7l1.8-1.8M16.9 7.1l1.8-1.8" />
  </svg>
);

const Moon = () => (
  <svg viewBox="0 0 24 24" aria-hidden="true">
    <path d="M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.5z" />
  </svg>
);
