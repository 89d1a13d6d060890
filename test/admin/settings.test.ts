import { afterEach, describe, expect, it, vi } from 'vitest'
import { AdminHouse } from './house.ts'

let house: AdminHouse
afterEach(() => house.close())

describe('what the owner decides', () => {
  it('is kept, counts at once, and is told with where it comes from', async () => {
    house = await AdminHouse.open({ config: { given: { 'calls.retain_days': '/etc/lanline/lanline.toml' } } })
    const owner = await house.owner()
    const before = await house.api('GET', '/settings', { headers: owner })
    expect(before.body.policies).toEqual({
      enrol: { value: 'approve' },
      relay: { value: 'cross-vlan' },
      retainDays: { value: 365, setIn: '/etc/lanline/lanline.toml' },
    })
    const body = { enrolPolicy: 'open', relayPolicy: 'off' }
    const changed = await house.api('PATCH', '/settings', { headers: owner, body })
    expect(changed.body.policies).toMatchObject({ enrol: { value: 'open' }, relay: { value: 'off' } })
    const joined = await house.api('POST', '/devices', {
      body: { displayName: 'Gus', deviceName: 'Phone', kind: 'page' },
    })
    expect(joined.status).toBe(201)
  })

  it('cannot go against the configuration', async () => {
    house = await AdminHouse.open({
      config: { given: { 'enrol.policy': 'environment LANLINE_ENROL_POLICY' } },
    })
    const owner = await house.owner()
    const refused = await house.api('PATCH', '/settings', { headers: owner, body: { enrolPolicy: 'open' } })
    expect([refused.status, refused.body.error.code]).toEqual([409, 'fixed'])
    expect(refused.body.error.message).toContain('environment LANLINE_ENROL_POLICY')
  })
})

describe('a person who is switched off', () => {
  it('keeps devices and password, and gets in by neither until switched on', async () => {
    house = await AdminHouse.open()
    const owner = await house.owner()
    const member = await house.member()
    const { device, token } = await house.store.directory.enrol(
      { user: 'mia' },
      { name: 'Phone', kind: 'page' },
    )
    const heard: string[] = []
    house.store.directory.onChange(event => void heard.push(event.kind))
    const off = await house.api('PATCH', '/users/mia', { headers: owner, body: { disabled: true } })
    expect(off.body).toMatchObject({ disabled: true, mayLogIn: true })
    expect(heard).toContain('disabled')
    expect((await house.api('GET', '/session', { headers: member })).status).toBe(401)
    const login = { user: 'mia', password: 'another long password' }
    expect((await house.api('POST', '/session', { body: login })).body.error.code).toBe('disabled')
    expect(house.store.directory.byToken(token)).toBeUndefined()
    expect(house.store.directory.userOfDevice(device.id)).toBeUndefined()
    await house.api('PATCH', '/users/mia', { headers: owner, body: { disabled: false } })
    expect((await house.api('POST', '/session', { body: login })).status).toBe(200)
    expect(house.store.directory.byToken(token)?.user).toBe('mia')
  })
})

describe('a short number', () => {
  it('is given to everybody, and changed by the owner, to none that is dialled in need', async () => {
    house = await AdminHouse.open()
    const owner = await house.owner()
    const member = await house.member()
    const patch = async (headers: Record<string, string>, number: unknown) => {
      const { status, body } = await house.api('PATCH', '/users/mia', { headers, body: { number } })
      return body.error?.code ?? [status, body.number]
    }
    const people = (await house.api('GET', '/users', { headers: owner })).body
    expect(people.map((one: { number: string }) => one.number).sort()).toEqual(['20', '21'])
    expect(await patch(member, '77')).toBe('forbidden')
    for (const number of ['112', '911', '000', '15', '90', '7', '1234567', '2a', 77]) {
      expect([number, await patch(owner, number)]).toEqual([number, 'badBody'])
    }
    expect(await patch(owner, '20')).toBe('taken')
    expect(await patch(owner, '77')).toEqual([200, '77'])
  })
})

describe('owners', () => {
  it('may be several; the last one stays', async () => {
    house = await AdminHouse.open()
    const owner = await house.owner()
    const patch = (name: string, body: object) =>
      house.api('PATCH', `/users/${name}`, { headers: owner, body })
    await house.api('POST', '/users', { headers: owner, body: { name: 'ben' } })
    expect((await patch('ben', { role: 'owner' })).status).toBe(400)
    expect((await patch('olivia', { role: 'member' })).body.error.code).toBe('owner')
    expect((await patch('olivia', { disabled: true })).body.error.code).toBe('owner')
    expect((await patch('ben', { role: 'owner', password: 'a third long password' })).body.role).toBe('owner')
    expect((await house.api('DELETE', '/users/ben', { headers: owner })).status).toBe(204)
    expect((await house.api('DELETE', '/users/olivia', { headers: owner })).body.error.code).toBe('owner')
  })

  it('are made by owners alone', async () => {
    house = await AdminHouse.open()
    await house.owner()
    const member = await house.member()
    for (const body of [{ role: 'owner' }, { disabled: false }, { staySeconds: null }]) {
      expect(
        (await house.api('PATCH', '/users/mia', { headers: member, body })).status,
        JSON.stringify(body),
      ).toBe(403)
    }
  })
})

describe('logins', () => {
  it('are listed to their person and the owner, and ended by them', async () => {
    house = await AdminHouse.open()
    const owner = await house.owner()
    const member = await house.member()
    const own = await house.api('GET', '/sessions', { headers: member })
    expect(own.body).toMatchObject([{ user: 'mia', address: '10.1.1.9', current: true }])
    const all = await house.api('GET', '/sessions', { headers: owner })
    expect(all.body.map((session: { user: string }) => session.user).sort()).toEqual(['mia', 'olivia'])
    const olivias = all.body.find((session: { user: string }) => session.user === 'olivia').id
    expect((await house.api('DELETE', `/sessions/${olivias}`, { headers: member })).status).toBe(404)
    expect((await house.api('DELETE', `/sessions/${own.body[0].id}`, { headers: owner })).status).toBe(204)
    expect((await house.api('GET', '/session', { headers: member })).status).toBe(401)
  })

  it('get a new password only by the old one', async () => {
    house = await AdminHouse.open()
    await house.owner()
    const member = await house.member()
    const change = (current: string) =>
      house.api('POST', '/password', {
        headers: member,
        body: { current, password: 'quite another password' },
      })
    expect((await change('wrong')).body.error.code).toBe('wrongPassword')
    expect((await change('another long password')).status).toBe(204)
    const login = { user: 'mia', password: 'quite another password' }
    expect((await house.api('POST', '/session', { body: login })).status).toBe(200)
  })
})

describe('a backup by the page', () => {
  const words = 'three words and one'

  it('is one file; looked through it says what it holds, and replaces nothing until it is told to', async () => {
    house = await AdminHouse.open()
    const owner = await house.owner()
    const env = { listener: 'https' as const, peer: '10.1.1.9' }
    const ask = (path: string, body: BodyInit, headers: Record<string, string>) =>
      house.app.fetch(
        new Request(`http://any/api/v1${path}`, {
          ...{ method: 'POST', body, duplex: 'half' as const },
          headers: { host: 'lanline.local:8443', ...owner, ...headers },
        }),
        env,
      )
    const made = await ask('/backup', JSON.stringify({ passphrase: words }), {
      'content-type': 'application/json',
    })
    expect(made.headers.get('content-disposition')).toMatch(/^attachment; filename="lanline-[\d-]+\.backup"$/)
    const file = new Uint8Array(await made.arrayBuffer())
    const binary = { 'content-type': 'application/octet-stream' }
    const wrong = await ask('/restore', file, { ...binary, 'x-backup-passphrase': 'something%20else' })
    expect([wrong.status, (await wrong.json()).error.code]).toEqual([403, 'wrongPassphrase'])
    const nothing = await ask('/restore/apply', '', {})
    expect(nothing.status).toBe(404)
    const looked = await ask('/restore', file, {
      ...binary,
      'x-backup-passphrase': encodeURIComponent(words),
    })
    expect(await looked.json()).toMatchObject({ place: 'Mill', users: 1, devices: 1, calls: 0 })
    const applied = await ask('/restore/apply', '', {})
    expect(applied.status).toBe(200)
    expect((await house.api('GET', '/users', { headers: owner })).body).toHaveLength(1)
  })

  it('is the owner’s alone, and needs a passphrase that deserves the name', async () => {
    house = await AdminHouse.open()
    const owner = await house.owner()
    const member = await house.member()
    const post = (headers: object, passphrase: string) =>
      house.api('POST', '/backup', { headers: headers as Record<string, string>, body: { passphrase } })
    expect((await post(member, words)).status).toBe(403)
    expect((await post(owner, 'short')).status).toBe(400)
  })
})

describe('what somebody calls themselves', () => {
  it('is no one else’s name: to others they would be that person', async () => {
    house = await AdminHouse.open()
    const owner = await house.owner()
    const member = await house.member()
    const rename = (headers: Record<string, string>, displayName: string) =>
      house.api('PATCH', '/users/mia', { headers, body: { displayName } })
    const other = house.store.directory.people().find(({ user }) => user !== 'mia')!.displayName
    for (const name of [other, ` ${other.toUpperCase()}`, `${other.slice(0, 1)}\u200b${other.slice(1)}`]) {
      const refused = await rename(member, name)
      expect([refused.status, refused.body.error.code]).toEqual([409, 'taken'])
    }
    expect((await rename(member, 'Mia M.')).status).toBe(200)
    expect((await rename(member, 'mia m.')).status).toBe(200)
    expect((await rename(owner, other)).status).toBe(200)
  })

  it('is compared with everybody’s, whose names are read once and not at each try', async () => {
    house = await AdminHouse.open()
    await house.owner()
    const member = await house.member()
    for (let at = 0; at < 20; at++)
      await house.store.directory.addUser({ name: `p${at}`, displayName: `P ${at}` })
    const readNames = vi.spyOn(String.prototype, 'normalize')
    const rename = async (displayName: string): Promise<number> => {
      readNames.mockClear()
      await house.api('PATCH', '/users/mia', { headers: member, body: { displayName } })
      return readNames.mock.calls.length
    }
    await rename('Mia M.')
    expect(await rename('Mia N.')).toBeLessThan(5)
    expect(await rename('Mia O.')).toBeLessThan(5)
    readNames.mockRestore()
  })
})
