import { Window } from 'happy-dom';

// A page of another origin than the server's: its requests are checked as a browser does, with
// preflights.
const window = new Window({ url: 'http://app.example.com/pricing' });
const names = ['document', 'localStorage', 'sessionStorage', 'location', 'history', 'screen', 'navigator', 'XMLHttpRequest', 'Blob', 'Request', 'Response', 'Headers'];
window.fetch = window.fetch.bind(window);
for (const name of ['fetch', ...names]) {
  Object.defineProperty(globalThis, name, { value: window[name], configurable: true, writable: true });
}
globalThis.window = window;
