import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { filesOf, type Subject } from '../../image-build/container.ts'

const root = join(import.meta.dirname, '../..')
const subject: Subject = {
  architecture: 'arm64',
  version: '1.2.3',
  madeSeconds: 1_790_000_000,
  layer: { unpacked: 'a'.repeat(64), packed: 'b'.repeat(64), packedBytes: 60_000_000 },
}
const files = filesOf(subject)
const json = (path: string) => JSON.parse(files.get(path)!)
const pathOf = (digest: string): string => `blobs/sha256/${digest.replace('sha256:', '')}`

describe('the container image', () => {
  it('is the same one by the index of OCI and by the list that docker load reads', () => {
    const [{ digest, size }] = json('index.json').manifests
    expect(size).toBe(Buffer.byteLength(files.get(pathOf(digest))!))
    const manifest = json(pathOf(digest))
    const [listed, ...more] = json('manifest.json')
    expect(more).toEqual([])
    expect(listed.Config).toBe(pathOf(manifest.config.digest))
    expect(listed.Layers).toEqual(manifest.layers.map((layer: { digest: string }) => pathOf(layer.digest)))
    expect(manifest.config.size).toBe(Buffer.byteLength(files.get(listed.Config)!))
    expect(manifest.layers[0].size).toBe(subject.layer.packedBytes)
    expect(json(listed.Config).rootfs.diff_ids).toEqual([`sha256:${subject.layer.unpacked}`])
    const [{ annotations, platform }] = json('index.json').manifests
    expect(annotations['io.containerd.image.name']).toMatch(new RegExp(`/${listed.RepoTags[0]}$`))
    expect([platform.architecture, json(listed.Config).architecture]).toEqual(['arm64', 'arm64'])
  })

  it('names every file by its digest', () => {
    const blobs = [...files].filter(([path]) => path.startsWith('blobs/'))
    expect(blobs).toHaveLength(2)
    for (const [path, text] of blobs)
      expect(path).toBe(pathOf(createHash('sha256').update(text).digest('hex')))
  })

  it('says nothing of when and where it was built', () => {
    expect([...filesOf(subject)]).toEqual([...files])
    expect(json(json('manifest.json')[0].Config).created).toBe('2026-09-21T14:13:20.000Z')
  })

  it('runs with the options of the service, as nobody’s user', () => {
    const { config } = json(json('manifest.json')[0].Config)
    const start = readFileSync(join(root, 'systemd/start'), 'utf8')
    const options = [...start.matchAll(/'(--[^']+)'/g)].map(match => match[1])
    expect(options.length).toBeGreaterThan(0)
    expect(config.Entrypoint).toEqual([
      '/usr/lib/lanline/bin/node',
      ...options,
      '/usr/lib/lanline/src/main.ts',
    ])
    expect(config.User).toMatch(/^[1-9]\d*:[1-9]\d*$/)
    const script = readFileSync(join(root, 'image-build/container'), 'utf8')
    const [uid, gid] = config.User.split(':')
    expect(script).toContain(
      `--owner=${uid} --group=${gid} -rf "$work/layer.tar" .${Object.keys(config.Volumes)[0]}`,
    )
  })

  it('is started by the docs with its version and volume, by file and by line alike', () => {
    const guide = readFileSync(join(root, 'docs/install.md'), 'utf8')
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
    const file = /^```yaml\n(services:[\s\S]*?)^```$/m.exec(guide)![1]!
    const line = /^ {4}(docker run .*)$/m.exec(guide)![1]!
    const [data] = Object.keys(json(json('manifest.json')[0].Config).config.Volumes)
    const both = [
      [`image: lanline:${version}`, ` lanline:${version}`],
      [`- data:${data}`, `-v lanline:${data}`],
      ['network_mode: host', '--network host'],
      ['restart: unless-stopped', '--restart unless-stopped'],
      ['read_only: true', '--read-only'],
      ['tmpfs: /tmp', '--tmpfs /tmp'],
      ['cap_drop: [ALL]', '--cap-drop ALL'],
      ['no-new-privileges:true', '--security-opt no-new-privileges'],
      ['TZ: Europe/Berlin', '-e TZ=Europe/Berlin'],
    ]
    for (const [inFile, inLine] of both) {
      expect(file).toContain(inFile)
      expect(line).toContain(inLine)
    }
  })
})
