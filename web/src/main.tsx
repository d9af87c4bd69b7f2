import './monaco';
import './style.css';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { loadConfig } from './config';
import { Playground } from './playground';

// Monaco measures its letters once, at the start: their font has to be there.
const [config] = await Promise.all([loadConfig(), document.fonts.load('15px "Fira Code"')]);

createRoot(document.getElementById('root')!).render(
  <StrictMode>
    <Playground config={config} />
  </StrictMode>,
);
