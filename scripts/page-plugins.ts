/** What the pages' builds need beside Vite itself: smaller copies of every file, and for a service worker their list. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { extname, join } from 'node:path'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'
import type { Plugin } from 'vite'

/** What is compressed already, or too short to gain, stays alone. */
const worthIt = new Set(['.html', '.js', '.css', '.svg', '.webmanifest', '.json', '.txt'])
const shortBytes = 512

/** Lays `file.br` and `file.gz` beside each built file: the appliance sends what the browser takes, and compresses nothing. */
export function smallerCopies(directory: string): Plugin {
  return {
    name: 'lanline-smaller-copies',
    apply: 'build',
    closeBundle() {
      for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
        const file = join(entry.parentPath, entry.name)
        if (!entry.isFile() || !worthIt.has(extname(file))) continue
        const bytes = readFileSync(file)
        if (bytes.length < shortBytes) continue
        const quality = { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }
        writeFileSync(`${file}.br`, brotliCompressSync(bytes, quality))
        writeFileSync(`${file}.gz`, gzipSync(bytes, { level: 9 }))
      }
    },
  }
}

/** Tells the service worker, whose file is `sw.js`, what the page is made of: in place of `__SHELL__`. */
export function shellOf(publicDirectory: string): Plugin {
  return {
    name: 'lanline-shell',
    apply: 'build',
    generateBundle(_options, bundle) {
      const worker = bundle['sw.js']
      if (worker?.type !== 'chunk') return
      const files = [...Object.keys(bundle), ...readdirSync(publicDirectory)]
        .filter(name => name !== 'sw.js' && !/\.(html|png)$/.test(name))
        .map(name => `/${name}`)
      worker.code = worker.code.replaceAll('__SHELL__', JSON.stringify(files.sort()))
    },
  }
}
