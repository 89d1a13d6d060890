/** Records the demo and writes what belongs to it. Started by `scripts/demo`. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Lan } from '../test/net/lan.ts'
import { folder, pages, refresh } from './analysis.ts'
import { filmSeconds, play } from './play.ts'
import { contactSheet, frame, Recording } from './recording.ts'

const limitBytes = 4 * 1024 * 1024
const docs = fileURLToPath(new URL('../docs/', import.meta.url))
const keep = fileURLToPath(new URL('../test/vectors/captures/keep', import.meta.url))
const say = (words: string): void => console.log(`demo: ${words}`)

mkdirSync(folder, { recursive: true })
const lan = await Lan.create({
  hosts: ['pi', 'alice', 'bob', 'olivia'],
  names: { 'lanline.local': 'pi' },
})
const recording = await Recording.open(lan.directory)
process.once('SIGINT', () => process.exit(130))
process.once('SIGTERM', () => process.exit(143))
process.on('exit', () => recording.close())
try {
  const { calls, owner, posterSeconds } = await play(lan, recording)
  say('encoding the film')
  const film = join(docs, 'demo.mp4')
  const captions = await recording.write(film, filmSeconds)
  await frame(film, posterSeconds, join(docs, 'demo.png'))
  const ends = [...captions.slice(1).map(caption => caption.fromSeconds), filmSeconds]
  const moments = captions.map(({ fromSeconds }, index) => fromSeconds + (ends[index]! - fromSeconds) * 0.7)
  await contactSheet(film, moments, join(folder, 'contact-sheet.jpg'))
  const { size } = statSync(film)
  if (size > limitBytes) throw new Error(`docs/demo.mp4 has ${size} bytes, more than ${limitBytes}`)

  say('writing captures, traces and the analysis')
  for (const { name, call, capture } of calls) {
    execFileSync('bash', [keep, capture, join(folder, `${name}.pcapng`)])
    for (const format of ['json', 'html', 'pcapng']) {
      const { bytes } = await owner.request('GET', `/calls/${call}/trace.${format}`)
      writeFileSync(
        join(folder, format === 'pcapng' ? `${name}-signalling.pcapng` : `${name}.${format}`),
        bytes,
      )
    }
  }
  for (const page of pages) await refresh(page)
  say(
    `docs/demo.mp4 (${(size / 1_048_576).toFixed(1)} MiB, ${filmSeconds} s), docs/demo.png and docs/demo/ are written`,
  )
} catch (error) {
  say(`stopped: ${error instanceof Error ? error.stack : String(error)}`)
  process.exitCode = 1
} finally {
  recording.close()
  lan.remove()
}
process.exit()
