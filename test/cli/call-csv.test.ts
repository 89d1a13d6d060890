import { describe, expect, it } from 'vitest'
import type { ToldCall } from '../../src/admin/message.ts'
import { callCsv } from '../../src/cli/call-csv.ts'

const nothing = { sentBytes: 0 }
const call = {
  ...{
    id: 'c1',
    callerUser: 'alice',
    callerName: 'Alice',
    callerDevice: 'd1',
    calleeUser: 'bob',
    calleeName: 'Bob',
  },
  ...{ calleeDevice: 'd2', video: false, missed: false, endedBy: 'caller', reason: 'hangup' },
  ...{ startedAt: Date.UTC(2026, 0, 2, 3, 4, 5), answeredAt: Date.UTC(2026, 0, 2, 3, 4, 9) },
  ...{
    endedAt: Date.UTC(2026, 0, 2, 3, 5, 9),
    ledger: { caller: { sentBytes: 5 }, callee: { sentBytes: 6 } },
  },
} as unknown as ToldCall

describe('calls as CSV', () => {
  it('have the columns of Master.csv in its order, then ours', () => {
    expect(callCsv([call])).toBe(
      '"","alice","bob","lanline","""Alice"" <alice>","d1","d2","Dial","bob",' +
        '"2026-01-02 03:04:05","2026-01-02 03:04:09","2026-01-02 03:05:09",64,60,"ANSWERED","DOCUMENTATION","c1","",' +
        '"Bob","audio","caller","hangup","","","","",11\r\n',
    )
  })

  it('say why a call was not answered', () => {
    const dispositionOf = (code: number | null): string => {
      const row = { ...call, answeredAt: null, code, ledger: { caller: nothing, callee: nothing } }
      return callCsv([row as unknown as ToldCall]).split(',')[14]!
    }
    expect([486, 600, 503, 480, null].map(dispositionOf)).toEqual(
      ['BUSY', 'BUSY', 'FAILED', 'NO ANSWER', 'NO ANSWER'].map(word => `"${word}"`),
    )
  })

  it('let no name become a formula or end its field', () => {
    const line = callCsv([{ ...call, calleeName: '=cmd()","x' }])
    expect(line).toContain(`,"'=cmd()"",""x",`)
  })
})
