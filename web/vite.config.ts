import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin } from 'vite';

// Where `npm run dev` finds a running server.
const server = process.env.TIDEMARK_URL ?? 'http://localhost:8080';

export default defineConfig({
  base: '/playground/',
  plugins: [react(), gzipped()],
  build: {
    assetsInlineLimit: 0, // Files, not data: addresses, so that the content security policy stays short.
    chunkSizeWarningLimit: 4000, // Monaco, in a chunk of its own.
    license: { fileName: 'assets/licenses.md' },
    modulePreload: { polyfill: false },
  },
  worker: { format: 'es' },
  server: {
    proxy: {
      '/graphql': { target: server, ws: true },
      '/playground/config.json': server,
    },
  },
});

/** Puts a .gz beside each asset that compresses; the Go side picks between the two. */
function gzipped(): Plugin {
  let folder = '';
  return {
    name: 'gzipped',
    apply: 'build',
    configResolved: (config) => {
      folder = join(config.root, config.build.outDir, 'assets');
    },
    closeBundle: () => {
      for (const name of readdirSync(folder)) {
        if (!/\.(js|css|svg|ttf|md)$/.test(name)) continue;
        const path = join(folder, name);
        writeFileSync(`${path}.gz`, gzipSync(readFileSync(path), { level: 9 }));
      }
    },
  };
}
