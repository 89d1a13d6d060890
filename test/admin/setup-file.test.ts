import { describe, expect, it } from 'vitest'
import { parseSetupFile } from '../../src/admin/setup-file.ts'

const none = {
  ...{ code: undefined, claimMinutes: undefined, place: undefined, hostname: undefined },
  complaints: [],
}

describe('lanline-setup.txt', () => {
  it('presets the code and the time in which none is needed', () => {
    const text = '\ufeff# made by Anna\r\nsetup_code = ab12-cd34\r\n\r\nclaim_minutes=0  # never without\r\n'
    expect(parseSetupFile(text)).toEqual({ ...none, code: 'AB12-CD34', claimMinutes: 0 })
  })

  it('missing or empty presets nothing', () => {
    expect(parseSetupFile('')).toEqual(none)
  })

  it('presets the name of the place and of the host, as they may be', () => {
    const text = 'place = Mühle #4 = Büro   # ours\nhostname = Kitchen.local\n'
    expect(parseSetupFile(text)).toEqual({ ...none, place: 'Mühle', hostname: 'kitchen' })
    expect(parseSetupFile('place=No.4=b')).toEqual({ ...none, place: 'No.4=b' })
    for (const line of [
      ...['place =', `place = ${'x'.repeat(65)}`, 'place = a\u202eb', 'place = a\tb\u0007'],
      ...['hostname =', 'hostname = two words', 'hostname = a.b', 'hostname = -a', 'hostname = ../etc'],
      ...[`hostname = ${'x'.repeat(64)}`, 'hostname = ümlaut', '= x', 'place'],
    ]) {
      const { place, hostname, complaints } = parseSetupFile(line)
      expect([place, hostname, complaints.length], line).toEqual([undefined, undefined, 1])
    }
  })

  it('says which lines mean nothing, without repeating what may be a code', () => {
    const { code, claimMinutes, complaints } = parseSetupFile(
      'setup_code = secret!\nclaim_minutes = 61\nhello',
    )
    expect([code, claimMinutes]).toEqual([undefined, undefined])
    expect(complaints.map(one => one.slice(0, 7))).toEqual(['line 1:', 'line 2:', 'line 3:'])
    expect(complaints.join()).not.toContain('secret')
  })
})
