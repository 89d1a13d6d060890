import { describe, expect, it } from 'vitest'
import { parseSetupFile } from '../../src/admin/setup-file.ts'

describe('lanline-setup.txt', () => {
  it('presets the code and the time in which none is needed', () => {
    const text = '\ufeff# made by Anna\r\nsetup_code = ab12-cd34\r\n\r\nclaim_minutes=0  # never without\r\n'
    expect(parseSetupFile(text)).toEqual({ code: 'AB12-CD34', claimMinutes: 0, complaints: [] })
  })

  it('missing or empty presets nothing', () => {
    expect(parseSetupFile('')).toEqual({ code: undefined, claimMinutes: undefined, complaints: [] })
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
