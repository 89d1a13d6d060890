/**
 * The files of a container image around its one layer, in one directory that is both an OCI image layout (oci-layout, index.json)
 * and what `docker load` has always taken (manifest.json). Types are those of Docker's schema 2, which every engine takes in
 * either, since a configuration of OCI's knows no health check.
 * `container.ts ARCHITECTURE VERSION SECONDS LAYER.tar LAYER.tar.gz DIRECTORY`
 */
import { createHash } from 'node:crypto'
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export interface Layer {
  /** SHA-256, in hexadecimal, of the layer as tar and as it is packed. */
  readonly unpacked: string
  readonly packed: string
  readonly packedBytes: number
}

export interface Subject {
  /** As Debian names it, which is as Go does. */
  readonly architecture: string
  readonly version: string
  readonly madeSeconds: number
  readonly layer: Layer
}

/** Also in `image-build/container`, which gives the directory to it. */
const user = '700:700'
const data = '/var/lib/lanline'
const seconds = 1_000_000_000

const sha256 = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('hex')
const blob = (digest: string): string => `blobs/sha256/${digest}`

/** Every file but the layer itself, by its path. */
export function filesOf(subject: Subject): ReadonlyMap<string, string> {
  const { version, layer } = subject
  const config = JSON.stringify(configOf(subject))
  const manifest = JSON.stringify({
    schemaVersion: 2,
    mediaType: 'application/vnd.docker.distribution.manifest.v2+json',
    config: {
      mediaType: 'application/vnd.docker.container.image.v1+json',
      digest: `sha256:${sha256(config)}`,
      size: Buffer.byteLength(config),
    },
    layers: [
      {
        mediaType: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
        digest: `sha256:${layer.packed}`,
        size: layer.packedBytes,
      },
    ],
  })
  return new Map([
    ['oci-layout', JSON.stringify({ imageLayoutVersion: '1.0.0' })],
    ['index.json', JSON.stringify(indexOf(subject, manifest))],
    [
      'manifest.json',
      JSON.stringify([
        { Config: blob(sha256(config)), RepoTags: [`lanline:${version}`], Layers: [blob(layer.packed)] },
      ]),
    ],
    [blob(sha256(manifest)), manifest],
    [blob(sha256(config)), config],
  ])
}

function indexOf({ architecture, version }: Subject, manifest: string): object {
  return {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.index.v1+json',
    manifests: [
      {
        mediaType: 'application/vnd.docker.distribution.manifest.v2+json',
        digest: `sha256:${sha256(manifest)}`,
        size: Buffer.byteLength(manifest),
        platform: { architecture, os: 'linux' },
        // The first is where containerd and podman look for the whole name, as BuildKit writes it.
        annotations: {
          'io.containerd.image.name': `docker.io/library/lanline:${version}`,
          'org.opencontainers.image.ref.name': version,
        },
      },
    ],
  }
}

function configOf({ architecture, version, madeSeconds, layer }: Subject): object {
  const created = new Date(madeSeconds * 1_000).toISOString()
  return {
    architecture,
    os: 'linux',
    created,
    config: {
      User: user,
      Env: [
        'PATH=/usr/bin',
        // Ports and words of lanline go by it.
        'LANLINE_CONTAINER=yes',
        // In the volume, since the rest is new after each update, and may be read-only.
        `NODE_COMPILE_CACHE=${data}/cache`,
      ],
      // The options: see systemd/start.
      Entrypoint: [
        '/usr/lib/lanline/bin/node',
        '--max-semi-space-size=4',
        '--no-memory-protection-keys',
        '/usr/lib/lanline/src/main.ts',
      ],
      Cmd: ['serve'],
      WorkingDir: data,
      Volumes: { [data]: {} },
      StopSignal: 'SIGTERM',
      Healthcheck: {
        Test: ['CMD', '/usr/bin/lanline', 'health'],
        Interval: 60 * seconds,
        Timeout: 10 * seconds,
        StartPeriod: 60 * seconds,
        Retries: 3,
      },
      Labels: {
        'org.opencontainers.image.title': 'lanline',
        'org.opencontainers.image.description': 'The telephone exchange of a local network',
        'org.opencontainers.image.version': version,
        'org.opencontainers.image.created': created,
      },
    },
    rootfs: { type: 'layers', diff_ids: [`sha256:${layer.unpacked}`] },
    history: [{ created, created_by: 'image-build/container' }],
  }
}

if (import.meta.main) {
  const [architecture, version, made, tar, packed, directory] = process.argv.slice(2)
  if (directory === undefined) {
    process.stderr.write(
      'usage: container.ts ARCHITECTURE VERSION SECONDS LAYER.tar LAYER.tar.gz DIRECTORY\n',
    )
    process.exit(2)
  }
  const bytes = readFileSync(packed!)
  const layer = { unpacked: sha256(readFileSync(tar!)), packed: sha256(bytes), packedBytes: bytes.length }
  const files = filesOf({
    architecture: architecture!,
    version: version!,
    madeSeconds: Number(made),
    layer,
  })
  mkdirSync(join(directory, 'blobs/sha256'), { recursive: true })
  copyFileSync(packed!, join(directory, blob(layer.packed)))
  for (const [path, text] of files) writeFileSync(join(directory, path), text)
}
