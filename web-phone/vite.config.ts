import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vite'
import { shellOf, smallerCopies } from '../scripts/page-plugins.ts'

const here = fileURLToPath(new URL('.', import.meta.url))

export default defineConfig({
  root: here,
  base: '/',
  plugins: [shellOf(`${here}public`), smallerCopies(`${here}dist`)],
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    target: 'es2022',
    // The pages' content security policy allows no inline anything.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      // Its advice on slow plugins is nothing for whoever starts lanline for the first time.
      checks: { pluginTimings: false },
      input: { index: `${here}index.html`, sw: `${here}src/sw.ts` },
      // At the root, so that it is over the whole page, and by one name, so that a new one takes its place.
      output: { entryFileNames: ({ name }) => (name === 'sw' ? 'sw.js' : 'assets/[name]-[hash].js') },
    },
  },
})
