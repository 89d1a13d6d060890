/**
 * What a hostile page, a hostile phone and a hostile guest can do to the web interface: one class of attack a test, in a
 * real Chromium against a real daemon. Each has a control that shows that the attack would have been seen.
 */
import { readFileSync } from 'node:fs'
import type { BrowserContext, Page, Response } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Enrolment } from '../../src/admin/message.ts'
import { challengeOf, digest, RawMessage, type RequestParts, request, token } from '../interop/raw-sip.ts'
import { probe } from '../net/chromium.ts'
import { aliceSeat, House } from '../net/house.ts'
import { describeWith } from '../net/peers.ts'
import { PhonePage } from '../net/phone-page.ts'
import { FarHost, type FarSocket } from '../net/sockets.ts'
import { until } from '../net/wait.ts'

const origin = 'https://lanline.local'
/** Another page on the appliance's own host: the same site, so cookies go with what it sends. */
const neighbour = 'https://lanline.local:4443'
const foreign = 'http://evil.example'
const password = 'correct horse battery'
const isSoak = process.env.LANLINE_SOAK !== undefined

/** Markup that leaves a mark where it is taken for markup, `mark` telling which field it came by. */
const hostile = (mark: string): string => `"><img src=x onerror=pwned() class=pwned title=${mark}>`

const seat = {
  ...aliceSeat,
  extraArguments: [
    '--host-resolver-rules=MAP rebind.example lanline.local',
    // The browser's own guard of local networks would hide whether ours holds.
    '--disable-features=LocalNetworkAccessChecks,BlockInsecurePrivateNetworkRequests,PrivateNetworkAccessSendPreflights',
  ],
}

describeWith(['namespaces', 'chromium', 'certutil'], 'the web interface under attack', () => {
  let house: House
  let far: FarHost
  /** The owner's browser, logged in to the console. */
  let context: BrowserContext
  let console_: Page

  beforeAll(async () => {
    house = await House.build({ seats: [seat], otherHosts: ['mallory'] })
    far = new FarHost(house.host('mallory'))
    for (const user of ['alice', 'bob']) await house.owner.addUser(user, user)
    context = await house.browser('alice').newContext({ ignoreHTTPSErrors: false })
    console_ = await context.newPage()
    await console_.goto(`${origin}/admin/`)
    expect(await logIn(console_)).toBe(200)
    for (const from of [foreign, neighbour]) {
      await context.route(`${from}/**`, route =>
        route.fulfill({ contentType: 'text/html', body: '<!doctype html><title>evil</title><body></body>' }),
      )
    }
  }, 120_000)
  afterAll(() => house?.remove())

  const logIn = (page: Page): Promise<number> =>
    page.evaluate(
      async body =>
        (
          await fetch('/api/v1/session', {
            ...{ method: 'POST', headers: { 'content-type': 'application/json' } },
            body: JSON.stringify(body),
          })
        ).status,
      { user: house.owner.enrolment.user, password },
    )

  const opened = async (url: string): Promise<Page> => {
    const page = await context.newPage()
    await page.goto(url)
    return page
  }

  const people = async (): Promise<string> => (await house.owner.request('GET', '/users')).body

  it('lets no page of another site open its WebSockets', async () => {
    const tries = async (page: Page): Promise<boolean[]> =>
      page.evaluate(
        async ([host]) => {
          const opens = (path: string, protocol: string): Promise<boolean> =>
            new Promise(resolve => {
              const socket = new WebSocket(`wss://${host}${path}`, protocol)
              socket.onopen = () => resolve(true)
              socket.onerror = () => resolve(false)
            })
          return [await opens('/ws', 'lanline.v1'), await opens('/sip', 'sip')]
        },
        ['lanline.local'],
      )
    expect(await tries(console_)).toEqual([true, true])
    for (const from of [foreign, neighbour])
      expect(await tries(await opened(from)), from).toEqual([false, false])
  })

  it('takes no change from a page of another site, nor from another port of its own host', async () => {
    const before = await people()
    for (const from of [foreign, neighbour]) {
      const page = await opened(from)
      const sent = await page.evaluate(
        async ([target]) => {
          const user = JSON.stringify({ name: 'mallory' })
          const post = (type: string, mode: RequestMode): Promise<string> =>
            fetch(`${target}/api/v1/users`, {
              ...{ method: 'POST', mode, credentials: 'include' as const, body: user },
              headers: { 'content-type': type },
            }).then(
              answer => `${answer.type} ${answer.status}`,
              () => 'refused',
            )
          const health = await fetch(`${target}/api/v1/health`, { mode: 'no-cors' }).then(
            answer => answer.type,
          )
          const read = await fetch(`${target}/api/v1/users`, { credentials: 'include' }).then(
            () => 'read',
            () => 'refused',
          )
          return {
            health,
            read,
            json: await post('application/json', 'cors'),
            plain: await post('text/plain', 'no-cors'),
            form: await post('application/x-www-form-urlencoded', 'no-cors'),
          }
        },
        [origin],
      )
      // The appliance is reached: what follows is its own doing.
      expect(sent.health, from).toBe('opaque')
      expect(sent.read, from).toBe('refused')
      expect(sent.json, from).toBe('refused')
      // A form that makes JSON of its field's name.
      const answered = page.waitForResponse(`${origin}/api/v1/users`)
      await page.evaluate(target => {
        document.body.innerHTML = `<form method=post enctype=text/plain action="${target}/api/v1/users"><input name='{"name":"mallory","x":"' value='"}'></form>`
        // Not within this evaluation, which the navigation would take away.
        setTimeout(() => document.forms[0]!.submit(), 50)
      }, origin)
      expect((await answered).status(), from).toBe(403)
    }
    expect(await people()).toBe(before)
    expect(before).not.toContain('mallory')
  })

  it('answers to no name that is not its own', async () => {
    const page = await context.newPage()
    // The control; the door page itself would go on by itself.
    const door = await page.goto('http://lanline.local/door.css')
    expect(door?.status()).toBe(200)
    const rebound = await page.goto('http://rebind.example/')
    expect(rebound?.status()).toBe(421)
    const asked = await page.evaluate(async () => {
      const ask = async (path: string, method = 'GET'): Promise<number> =>
        (await fetch(path, { method, ...(method === 'POST' ? { body: '{}' } : {}) })).status
      return [await ask('/api/v1/setup'), await ask('/lanline.crt'), await ask('/api/v1/session', 'POST')]
    })
    expect(asked).toEqual([421, 421, 421])
    await page.close()
  })

  it('is shown in no frame', async () => {
    const page = await opened(neighbour)
    const paths = ['/', '/admin/', '/api/v1/openapi.json', '/api/v1/calls/x/ladder.svg']
    await page.evaluate(
      ([base, all]) => {
        for (const path of all) {
          const frame = document.createElement('iframe')
          frame.src = base + path
          document.body.append(frame)
        }
      },
      [origin, paths] as const,
    )
    await until('all frames have an end', async () => {
      const urls = page
        .mainFrame()
        .childFrames()
        .map(frame => frame.url())
      return urls.length === paths.length && urls.every(url => url.startsWith('chrome-error:'))
    })
    await page.close()
  })

  it('takes a session from nobody: neither planted beforehand, nor from another port, nor after logging out', async () => {
    const own = await house.browser('alice').newContext()
    const planted = 'A'.repeat(43)
    const page = await own.newPage()
    // In the clear on the same host, a page may set cookies; those with the prefix it may not.
    await page.goto('http://lanline.local/door.css')
    await page.evaluate(value => {
      // biome-ignore lint/suspicious/noDocumentCookie: what an attacker would write
      document.cookie = `__Host-lanline_session=${value}; path=/`
      // biome-ignore lint/suspicious/noDocumentCookie: what an attacker would write
      document.cookie = `lanline_session=${value}; path=/api`
    }, planted)
    expect((await own.cookies()).map(cookie => cookie.name)).toEqual(['lanline_session'])
    await own.addCookies([
      { name: '__Host-lanline_session', value: planted, url: `${origin}/`, secure: true, sameSite: 'Strict' },
    ])
    await page.goto(`${origin}/admin/`)
    const session = async () =>
      (await own.cookies(origin)).find(({ name }) => name.startsWith('__Host-lanline_s'))
    const status = (): Promise<number> => page.evaluate(async () => (await fetch('/api/v1/session')).status)
    expect(await status()).toBe(401)
    expect(await logIn(page)).toBe(200)
    const first = await session()
    expect(first).toMatchObject({ httpOnly: true, secure: true, sameSite: 'Strict', path: '/' })
    expect(first?.value).not.toBe(planted)
    expect(await page.evaluate(() => document.cookie)).not.toContain('Host')
    expect(await logIn(page)).toBe(200)
    const second = await session()
    expect(second?.value).not.toBe(first?.value)
    // The one before is worth nothing any more.
    await own.addCookies([{ ...first!, expires: -1 }])
    expect(await status()).toBe(401)
    await own.close()
  })

  it('shows what SIP, SDP, candidates, reports, names and user agents hold as text, wherever it shows it', async () => {
    const fields = await talkHostilely()
    const page = await context.newPage()
    const violations: string[] = []
    page.on('console', message => {
      if (/Content.Security.Policy|Refused to/i.test(message.text())) violations.push(message.text())
    })
    await page.addInitScript(() => {
      const notes = { ran: false, marked: false }
      Object.assign(window, {
        notes,
        pwned: () => {
          notes.ran = true
        },
      })
      new MutationObserver(() => {
        notes.marked ||= document.querySelector('.pwned') !== null
      }).observe(document, { childList: true, subtree: true })
    })
    const seen: string[] = []
    /** Opens it and waits until it shows `shown`. */
    const look = async (url: string, shown: string): Promise<Response | null> => {
      const answered = await page.goto(url, { waitUntil: 'commit' })
      await until(`${url} shows ${shown}`, async () =>
        (await page.evaluate(() => document.documentElement?.textContent ?? '')).includes(shown),
      ).catch(async error => {
        throw new Error(`${error}; it shows ${await page.evaluate(() => document.body?.innerText)}`)
      })
      const found = await page.evaluate(() => ({
        text: document.documentElement.textContent ?? '',
        notes: (window as unknown as { notes: object }).notes,
      }))
      expect(found.notes, url).toEqual({ ran: false, marked: false })
      seen.push(found.text)
      return answered
    }
    const calls = JSON.parse((await house.owner.request('GET', '/calls')).body).calls as { id: string }[]
    expect(calls.length).toBe(2)
    await look(`${origin}/admin/`, hostile('joinName'))
    await look(`${origin}/admin/people`, hostile('displayName'))
    await look(`${origin}/admin/people/bob`, hostile('deviceName'))
    await look(`${origin}/admin/people/alice`, hostile('sipDevice'))
    await look(`${origin}/admin/calls`, hostile('displayName'))
    await look(`${origin}/admin/help`, hostile('displayName'))
    for (const { id } of calls) {
      await look(`${origin}/admin/calls/${id}`, hostile('displayName'))
      for (const file of ['ladder.svg', 'trace.html', 'trace.json']) {
        const answered = await look(`${origin}/api/v1/calls/${id}/${file}`, '<b class=pwned')
        const headers = answered?.headers() ?? {}
        expect([answered?.status(), headers['x-content-type-options']], file).toEqual([200, 'nosniff'])
        expect(headers['content-security-policy'], file).toMatch(/^sandbox/)
      }
    }
    // The phone page too: the list of people, who asks at the door, and the calls of the past.
    await page.goto(`${origin}/`)
    await page.evaluate(
      enrolment => localStorage.setItem('lanline.enrolment', JSON.stringify(enrolment)),
      house.owner.enrolment,
    )
    await look(`${origin}/`, hostile('displayName'))
    await page.getByRole('region', { name: 'At the door' }).getByText(hostile('joinName')).waitFor()
    expect(await page.evaluate(() => (window as unknown as { notes: object }).notes)).toEqual({
      ...{ ran: false, marked: false },
    })
    await page.evaluate(() => localStorage.clear())
    await page.goto(`${origin}/`)
    const text = seen.join('\n')
    // Each of these was shown somewhere, so it was there to do harm.
    for (const field of fields) expect(text.includes(field), `${field} is shown`).toBe(true)
    expect(violations).toEqual([])
    // The control: the same markup, where it is taken for markup, is seen by this test.
    const marks = await page.evaluate(markup => {
      document.body.innerHTML = markup
      return document.querySelectorAll('.pwned').length
    }, hostile('control'))
    expect(marks).toBe(1)
    await page.close()
  })

  it('runs no script that is not a file of its own', async () => {
    for (const path of ['/', '/admin/']) {
      const page = await opened(origin + path)
      const ran = await page.evaluate(async () => {
        const done: string[] = []
        const add = (change: (script: HTMLScriptElement) => void): Promise<void> =>
          new Promise(resolve => {
            const script = document.createElement('script')
            script.onload = () => resolve()
            script.onerror = () => resolve()
            change(script)
            document.body.append(script)
            setTimeout(resolve, 300)
          })
        Object.assign(window, { ran: (what: string) => done.push(what) })
        await add(script => {
          script.textContent = 'ran("inline")'
        })
        await add(script => {
          script.src = 'data:text/javascript,ran("data")'
        })
        await add(script => {
          script.src = URL.createObjectURL(new Blob(['ran("blob")'], { type: 'text/javascript' }))
        })
        await add(script => {
          script.src = 'https://evil.example/x.js'
        })
        const link = document.createElement('a')
        link.setAttribute('onclick', 'ran("handler")')
        document.body.append(link)
        link.click()
        return done
      })
      expect(ran, path).toEqual([])
      await page.close()
    }
  })

  it('gives no file but its own, however the path is written', async () => {
    const [{ id }] = JSON.parse((await house.owner.request('GET', '/calls')).body).calls as [{ id: string }]
    const up = ['..%2f', '%2e%2e%2f', '..%5c', '%252e%252e%252f', '..%c0%af', '....//', '.%00./']
    const bases = ['/', '/assets/', '/admin/', '/admin/assets/', '/api/v1/calls/', `/api/v1/calls/${id}/`]
    const targets = ['package.json', 'etc/passwd', 'data/lanline.db', 'trace.json', 'lanline.sock']
    // Every download there is, those of a call, the log, the backup’s neighbours and the authority’s among them.
    const documented = JSON.parse((await house.owner.request('GET', '/openapi.json')).body) as {
      paths: Record<string, { get?: unknown }>
    }
    const routes = Object.entries(documented.paths).flatMap(([path, { get }]) =>
      get ? `/api/v1${path}` : [],
    )
    expect(routes).toContain('/api/v1/calls/{id}/trace.pcapng')
    const below = [...bases, ...['/lanline.pem/', '/lanline.crt/'], ...routes.map(route => `${route}/`)]
    const climb = (base: string, one: string): string => one.repeat(base.split('/').length + 2)
    const climbs = [
      ...below.map(base => (one: string) => base.replace('{id}', id) + climb(base, one)),
      ...routes
        .filter(route => route.includes('{'))
        .map(route => (one: string) => route.replace(/\{\w+\}/, climb(route, one))),
    ]
    // Each way up from each place, and each way to each target; in a soak each from each to each.
    const paths = climbs.flatMap((path, place) =>
      up.flatMap((one, way) =>
        targets
          .filter((_, index) => isSoak || index === (place + way) % targets.length)
          .map(target => path(one) + target),
      ),
    )
    expect(paths.length).toBeGreaterThan(300)
    const answers = await console_.evaluate(async all => {
      const told: string[] = []
      for (const path of all) {
        const answered = await fetch(path)
        const text = await answered.text()
        if (answered.ok || /"dependencies"|root:|SQLite/.test(text)) told.push(`${answered.status} ${path}`)
      }
      return told
    }, paths)
    expect(answers).toEqual([])
    // The control: what is there is given.
    const there = await console_.evaluate(
      async path => (await fetch(path)).status,
      `/api/v1/calls/${id}/trace.json`,
    )
    expect(there).toBe(200)
  })

  it('loads at most 120 KB at first, and keeps what cannot change', async () => {
    for (const path of ['/', '/admin/']) {
      const fresh = await house.browser('alice').newContext()
      const page = await fresh.newPage()
      const headers: Record<string, string> = {}
      page.on('response', response => {
        headers[new URL(response.url()).pathname] = response.headers()['cache-control'] ?? ''
      })
      await page.goto(origin + path, { waitUntil: 'networkidle' })
      const bytes = await page.evaluate(() =>
        [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]
          .map(entry => (entry as PerformanceResourceTiming).transferSize)
          .reduce((sum, size) => sum + size, 0),
      )
      expect(bytes, path).toBeGreaterThan(5_000)
      expect(bytes, path).toBeLessThanOrEqual(120_000)
      expect(headers[path], path).toBe('no-cache')
      const assets = Object.entries(headers).filter(([name]) => name.includes('/assets/'))
      expect(assets.length, path).toBeGreaterThan(1)
      for (const [name, cache] of assets) expect(cache, name).toContain('immutable')
      await fresh.close()
    }
  })

  it('opens without the appliance and says so, from a cache that holds the page and nothing else', async () => {
    const own = await house.browser('alice').newContext()
    const page = await own.newPage()
    await probe(page)
    const invite = await house.owner.invite('alice')
    const phone = await PhonePage.joined(page, `${origin}/j#${invite.token}`, 'alice')
    await page.evaluate(async () => {
      await navigator.serviceWorker.ready
      await fetch('/api/v1/health')
    })
    await page.reload()
    await phone.ready()
    const kept = await page.evaluate(async () => {
      const caches_ = await Promise.all((await caches.keys()).map(name => caches.open(name)))
      const requests = (await Promise.all(caches_.map(cache => cache.keys()))).flat()
      return requests.map(({ url }) => new URL(url).pathname)
    })
    expect(kept).toContain('/')
    expect(kept.filter(path => !/^\/($|assets\/|icon\.svg$|phone\.webmanifest$)/.test(path))).toEqual([])
    await house.daemon.kill()
    await page.reload()
    await page.getByText('Reconnecting…').or(page.getByText('lanline does not answer')).first().waitFor()
    await page.evaluate(() => localStorage.clear())
    await page.reload()
    await page.getByRole('heading', { name: 'lanline does not answer' }).waitFor()
    await house.daemon.start()
    await page.getByRole('button', { name: 'Ask to join' }).waitFor()
    await own.close()
  })

  /** Puts hostile text wherever others may put text. Returns what of it the owner is shown as text. */
  async function talkHostilely(): Promise<string[]> {
    const { daemon } = house
    await daemon.request('POST', '/api/v1/devices', {
      ...{ displayName: hostile('joinName'), deviceName: hostile('joinDevice'), kind: 'page' },
    })
    await house.owner.request('PATCH', '/users/bob', { displayName: hostile('displayName') })
    const enrol = async (user: string): Promise<Enrolment> => {
      const { token: invite } = await house.owner.invite(user)
      const body = { displayName: user, deviceName: hostile('deviceName'), kind: 'app', invite }
      return JSON.parse((await daemon.request('POST', '/api/v1/devices', body)).body)
    }
    const [alice, bob] = [await enrol('alice'), await enrol('bob')]
    const authority = readFileSync(daemon.authorityFile, 'utf8')
    const channel = async ({ token: right }: Enrolment): Promise<FarSocket> => {
      const socket = await far.channel('wss://lanline.local/ws', authority)
      socket.say({ type: 'hello', token: right, client: hostile('client'), tab: 't', resume: [] })
      await socket.next('welcome')
      return socket
    }
    const [caller, callee] = [await channel(alice), await channel(bob)]
    caller.say({ type: 'call', ref: 'r', to: 'bob', sdp: sdpOf('offer'), video: true })
    const { call } = (await callee.next('incoming')) as unknown as { call: string }
    callee.say({ type: 'ringing', call })
    callee.say({ type: 'answer', call, sdp: sdpOf('answer') })
    await caller.next('answered')
    for (const socket of [caller, callee]) {
      const candidate = `candidate:1 1 udp 1 <b/class=pwned>.local 9 typ host`
      socket.say({ type: 'candidate', call, candidate: { candidate, sdpMid: '0' } })
      socket.say({ type: 'report', call, report: reportOf() })
    }
    await pauseForReports(call)
    caller.say({ type: 'bye', call, reason: 'hangup' })
    await callee.next('ended')
    await callHostilelyBySip(callee)
    return [hostile('joinName'), hostile('joinDevice'), hostile('displayName'), hostile('deviceName')]
  }

  /** A SIP phone of Alice's that says hostile things, calls Bob and hangs up with a hostile reason. */
  async function callHostilelyBySip(callee: FarSocket): Promise<void> {
    const phone = JSON.parse(
      (await house.owner.request('POST', '/softphones', { deviceName: hostile('sipDevice'), user: 'alice' }))
        .body,
    ) as { digestUser: string; password: string; host: string; port: number }
    const socket = await far.stream({ address: phone.host, port: phone.port }, false)
    const address = '<sip:alice@lanline.local>'
    const more = [
      `User-Agent: ${hostile('userAgent')}`,
      `Contact: "<b class=pwned>" <sip:alice@${house.host('mallory').address}:5060;transport=tcp>`,
      `Subject: ${hostile('subject')}`,
      `Reason: SIP;cause=200;text="<b class=pwned title=reason>"`,
    ]
    const heard = async (wanted: (message: RawMessage) => boolean): Promise<RawMessage> =>
      until('the exchange answers', () => {
        const text = socket.received.map(({ bytes }) => bytes.toString('latin1')).join('')
        const messages = text
          .split(/(?=SIP\/2\.0 \d{3} |[A-Z]+ sip:\S+ SIP\/2\.0\r\n)/)
          .map(part => new RawMessage(part))
        return messages.find(wanted)
      })
    const say = (method: string, uri: string, to: string, parts: Partial<RequestParts> = {}): string => {
      const callId = parts.callId ?? `${token()}<b>`
      const from = `"<b class=pwned title=from>" ${address}`
      const wholly = { ...{ method, uri, to, from, transport: 'tcp' as const, tag: 'tag' }, ...parts, callId }
      socket.send(Buffer.from(request({ ...wholly, more: [...more, ...(parts.more ?? [])] })))
      return callId
    }
    const [here, registrar] = [address, 'sip:lanline.local']
    const callId = say('REGISTER', registrar, here)
    const challenge = challengeOf(await heard(message => message.status === 401))
    const { digestUser: user } = phone
    const right = digest({ user, password: phone.password, method: 'REGISTER', uri: registrar, challenge })
    say('REGISTER', registrar, here, { callId, cseq: 2, more: [`Authorization: ${right}`] })
    await heard(message => message.status === 200)
    // From here on the connection is that phone.
    const bob = ['sip:bob@lanline.local', '<sip:bob@lanline.local>'] as const
    const branch = `z9hG4bK${token()}`
    const body = sdpOf('sip offer')
    const call = say('INVITE', ...bob, { branch, body, more: ['Content-Type: application/sdp'] })
    const { call: incoming } = (await callee.next('incoming')) as unknown as { call: string }
    callee.say({ type: 'ringing', call: incoming })
    await heard(message => message.status === 180)
    say('CANCEL', ...bob, { branch, callId: call })
    await callee.next('ended')
    socket.close()
  }

  async function pauseForReports(call: string): Promise<void> {
    await until('the reports are in the trace', async () => {
      const { body } = await house.owner.request('GET', `/calls/${call}/trace.json`)
      return body.includes('pwned')
    })
  }
})

const sdpOf = (what: string): string =>
  [
    ...['v=0', `o=- 1 1 IN IP4 0.0.0.0`, `s=<b class=pwned title='${what}'>`, 't=0 0'],
    'a=group:BUNDLE 0',
    'm=audio 9 UDP/TLS/RTP/SAVPF 111',
    ...['c=IN IP4 0.0.0.0', 'a=mid:0', 'a=ice-ufrag:<b/class=pwned>', `a=ice-pwd:${'p'.repeat(24)}`],
    `a=fingerprint:sha-256 ${Array.from({ length: 32 }, () => 'AA').join(':')}`,
    ...['a=setup:actpass', 'a=rtcp-mux', 'a=sendrecv', 'a=rtpmap:111 <b-class=pwned>/48000/2'],
    "a=candidate:1 1 udp 1 <b/class='pwned'>.local 9 typ host",
    '',
  ].join('\r\n')

/** Every string of a report. */
const reportOf = () => {
  const short = '<b class=pwned>'
  const end = { localType: short, localAddress: short, localPort: 1, remoteType: short, remoteAddress: short }
  return {
    ...{ atMilliseconds: 1, iceConnection: short, iceGathering: short, connection: short, dtls: short },
    ...{ localFingerprint: hostile('print'), remoteFingerprint: hostile('print'), streams: [] },
    ...{ dtlsVersion: short, dtlsCipher: hostile('c').slice(0, 64), srtpProfile: short },
    pair: { ...end, remotePort: 1, protocol: short },
    states: [{ what: 'iceConnection', to: short, atMilliseconds: 1 }],
    checks: [{ ...end, remotePort: 1, protocol: short, state: short }],
  }
}
