import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vite'
import { smallerCopies } from '../scripts/page-plugins.ts'

const here = fileURLToPath(new URL('.', import.meta.url))

export default defineConfig({
  root: here,
  base: '/admin/',
  plugins: [smallerCopies(`${here}dist`)],
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    target: 'es2022',
    // The pages' content security policy allows no inline anything.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // Its advice on slow plugins is nothing for whoever starts lanline for the first time.
    rolldownOptions: { checks: { pluginTimings: false } },
  },
})
