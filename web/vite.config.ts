import { appendFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin } from 'vite';

// Where `npm run dev` finds a running server.
const server = process.env.TIDEMARK_URL ?? 'http://localhost:8080';

export default defineConfig({
  base: '/playground/',
  plugins: [react(), fontLicenses(), gzipped()],
  build: {
    assetsInlineLimit: 0, // Files, not data: addresses, so that the content security policy stays short.
    chunkSizeWarningLimit: 4000, // Monaco, in a chunk of its own.
    license: { fileName: 'licenses.md' },
    modulePreload: { polyfill: false },
    rolldownOptions: {
      // Hints for React's compiler in GraphiQL's code; they mean nothing to a bundle.
      onLog: (level, log, print) => log.code === 'MODULE_LEVEL_DIRECTIVE' || print(level, log),
    },
  },
  worker: { format: 'es' },
  // CommonJS inside GraphQL's worker, which the development server would not see in time.
  optimizeDeps: {
    include: ['monaco-graphql > graphql-language-service', 'monaco-graphql > picomatch-browser'],
  },
  server: {
    proxy: {
      '/graphql': { target: server, ws: true },
      '/playground/config.json': server,
    },
  },
});

const fonts = ['@fontsource-variable/inter', '@fontsource/fira-code'];

/** Adds to licenses.md what Vite leaves out, since fonts are not modules. */
function fontLicenses(): Plugin {
  return afterBuild('font-licenses', (folder) => {
    for (const name of fonts) {
      const text = readFileSync(join('node_modules', name, 'LICENSE'), 'utf8');
      appendFileSync(join(folder, 'licenses.md'), `\n---\n\n## ${name} (OFL-1.1)\n\n${text}`);
    }
  });
}

/** Puts a .gz beside each asset that compresses; the Go side picks between the two. */
function gzipped(): Plugin {
  return afterBuild('gzipped', (folder) => {
    const assets = join(folder, 'assets');
    for (const name of readdirSync(assets)) {
      if (!/\.(js|css|svg|ttf)$/.test(name)) continue;
      const path = join(assets, name);
      writeFileSync(`${path}.gz`, gzipSync(readFileSync(path), { level: 9 }));
    }
  });
}

function afterBuild(name: string, act: (folder: string) => void): Plugin {
  let folder = '';
  return {
    name,
    apply: 'build',
    configResolved: (config) => {
      folder = join(config.root, config.build.outDir);
    },
    closeBundle: () => act(folder),
  };
}
