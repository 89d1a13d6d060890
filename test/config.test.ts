import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse } from 'smol-toml'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ConfigSource, exampleToml, loadConfig } from '../src/config.ts'

const nothing: ConfigSource = {
  file: undefined,
  environment: {},
  root: false,
  checkout: '/srv/lanline',
  systemFile: '/does/not/exist',
}

let directory: string
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'lanline-config-'))
})
afterAll(() => rmSync(directory, { recursive: true }))

function withFile(content: string, source: Partial<ConfigSource> = {}): ConfigSource {
  const file = join(directory, 'lanline.toml')
  writeFileSync(file, content)
  return { ...nothing, ...source, file }
}

describe('without file and environment', () => {
  it('an ordinary user gets ports above 1023 and data in the checkout', () => {
    const config = loadConfig(nothing)
    expect(config.http.port).toEqual({ key: 'http.port', explicit: undefined, fallback: 8080 })
    expect(config.http.tlsPort.fallback).toBe(8443)
    expect(config.sip.port.fallback).toBe(5060)
    expect(config.sip.tlsPort.fallback).toBe(5061)
    expect(config.data.dir).toBe('/srv/lanline/data')
    expect(config.net).toEqual({ hostname: 'lanline', bind: [] })
    expect(config.enrol.policy).toBe('approve')
    expect(config.relay).toEqual({ policy: 'cross-vlan', networks: [], maxKilobits: 20_000 })
    expect(config.turn).toEqual({
      port: { key: 'turn.port', explicit: undefined, fallback: 3478 },
      tlsPort: { key: 'turn.tls_port', explicit: undefined, fallback: 5349 },
      relayMin: 49_152,
      relayMax: 50_151,
    })
  })

  it('root gets 80 and 443', () => {
    const config = loadConfig({ ...nothing, root: true })
    expect([config.http.port.fallback, config.http.tlsPort.fallback]).toEqual([80, 443])
  })

  it('systemd gives the data directory', () => {
    const environment = { NOTIFY_SOCKET: '/run/n', STATE_DIRECTORY: '/var/lib/lanline' }
    expect(loadConfig({ ...nothing, environment }).data.dir).toBe('/var/lib/lanline')
  })

  it('an installed lanline is the service, also for the command line of whoever calls it', () => {
    const config = loadConfig({ ...nothing, checkout: '/usr/lib/lanline' })
    expect(config.data.dir).toBe('/var/lib/lanline')
    expect([config.http.port.fallback, config.http.tlsPort.fallback]).toEqual([80, 443])
  })

  it('in a container it leaves the ports alone that a NAS and its usual programs take', () => {
    const environment = { LANLINE_CONTAINER: 'yes' }
    const config = loadConfig({ ...nothing, environment, root: true, checkout: '/usr/lib/lanline' })
    expect(config.data.dir).toBe('/var/lib/lanline')
    expect(
      [config.http.port, config.http.tlsPort].map(({ explicit, fallback }) => [explicit, fallback]),
    ).toEqual([
      [undefined, 2080],
      [undefined, 2443],
    ])
    expect([config.container, loadConfig(nothing).container]).toEqual([true, false])
  })
})

describe('what is given', () => {
  it('in the file is taken', () => {
    const config = loadConfig(
      withFile('[http]\ntls_port = 444\norigins = ["https://intranet.lan"]\n[sip]\nport = 0\n'),
    )
    expect(config.http.tlsPort.explicit).toBe(444)
    expect(config.http.origins).toEqual(['https://intranet.lan'])
    expect(config.sip.port.explicit).toBe(0)
  })

  it('in the environment goes before the file', () => {
    const environment = { LANLINE_HTTP_TLS_PORT: '445', LANLINE_NET_BIND: 'eth0, FD00::1', LANLINE_SOAK: '1' }
    const config = loadConfig(withFile('[http]\ntls_port = 444\n', { environment }))
    expect(config.http.tlsPort.explicit).toBe(445)
    expect(config.net.bind).toEqual(['eth0', 'fd00::1'])
  })

  it.each([
    [
      'an unknown key',
      '[http]\nprot = 80\n',
      /lanline\.toml: http\.prot: no such key; allowed: .*http\.port/,
    ],
    ['an unknown section', '[web]\nport = 80\n', /lanline\.toml: web\.port: no such key/],
    ['a key outside sections', 'port = 80\n', /lanline\.toml: port: found outside a section/],
    ['a port too high', '[sip]\nport = 65536\n', /sip\.port: found 65536; allowed: 1 to 65535/],
    ['a word for a number', '[sip]\nport = "5060"\n', /sip\.port: found "5060"/],
    [
      'a policy that is none',
      '[enrol]\npolicy = "all"\n',
      /enrol\.policy: found "all"; allowed: approve, invite, open/,
    ],
    [
      'a network without its length',
      '[relay]\nnetworks = ["10.20.0.0"]\n',
      /relay\.networks: found \["10\.20/,
    ],
    ['a bound nobody could talk under', '[relay]\nmax_kilobits = 8\n', /relay\.max_kilobits: found 8/],
    [
      'relay ports the wrong way round',
      '[turn]\nrelay_min = 50000\nrelay_max = 49999\n',
      /turn\.relay_min, turn\.relay_max: found 50000 and 49999; allowed: 1024 to 65535/,
    ],
    ['a name with a dot', '[net]\nhostname = "a.b"\n', /net\.hostname: found "a\.b"/],
    ['broken TOML', '[sip\n', /lanline\.toml:1: not TOML/],
  ])('%s stops the start, naming file, key, what was found and what is allowed', (_name, content, message) => {
    expect(() => loadConfig(withFile(content))).toThrow(message)
  })

  it('wrongly in the environment names the variable', () => {
    const environment = { LANLINE_SIP_PORT: 'many' }
    expect(() => loadConfig({ ...nothing, environment })).toThrow(
      /LANLINE_SIP_PORT: sip\.port: found "many"; allowed/,
    )
  })

  it('as a file that does not exist stops the start', () => {
    expect(() => loadConfig({ ...nothing, file: '/does/not/exist' })).toThrow(
      'there is no file /does/not/exist',
    )
    expect(() => loadConfig({ ...nothing, file: '/' })).toThrow('/ is a directory')
  })
})

describe('lanline.example.toml', () => {
  it('shows every key with its default', async () => {
    await expect(exampleToml()).toMatchFileSnapshot('../lanline.example.toml')
  })

  it('with its comment signs taken away gives the configuration that root gets without it', () => {
    const example = readFileSync(join(import.meta.dirname, '../lanline.example.toml'), 'utf8')
    const uncommented = example.replaceAll(/^#(?! )/gm, '')
    expect(Object.keys(parse(uncommented))).toEqual([
      'data',
      'http',
      'sip',
      'turn',
      'relay',
      'net',
      'mdns',
      'enrol',
      'calls',
      'trace',
      'log',
    ])
    const given = loadConfig(withFile(uncommented))
    const fallback = loadConfig({ ...nothing, root: true })
    expect(given.http.port.explicit).toBe(fallback.http.port.fallback)
    expect(given.http.tlsPort.explicit).toBe(fallback.http.tlsPort.fallback)
    expect(given.sip.port.explicit).toBe(fallback.sip.port.fallback)
    expect(given.turn.port.explicit).toBe(fallback.turn.port.fallback)
    const ports = { data: 0, http: 0, sip: 0, turn: 0, given: 0 }
    expect({ ...given, ...ports }).toEqual({ ...fallback, ...ports })
  })
})
