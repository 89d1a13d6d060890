import { describe, expect, it } from 'vitest'
import { callCsv, csvStream } from '../../src/admin/call-csv.ts'
import type { ToldCall } from '../../src/admin/message.ts'

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

  it('are streamed page by page, as fast as they are taken and no more than wanted', async () => {
    const all = Array.from({ length: 450 }, (_, index) => ({ ...call, id: `c${index}` }))
    const asked: (readonly [number, string | undefined])[] = []
    const list = async (limit: number, before: string | undefined) => {
      asked.push([limit, before])
      const from = before === undefined ? 0 : all.findIndex(one => one.id === before) + 1
      return { calls: all.slice(from, from + limit) as never }
    }
    const lines = async (limit: number): Promise<number> => {
      const text = await new Response(csvStream(list, row => row as never, limit)).text()
      return text.split('\r\n').length - 1
    }
    expect(await lines(1_000)).toBe(450)
    expect(asked).toEqual([
      [200, undefined],
      [200, 'c199'],
      [200, 'c399'],
    ])
    expect(await lines(201)).toBe(201)
    expect(await lines(400)).toBe(400)
  })

  it('let no name become a formula or end its field', () => {
    const line = callCsv([{ ...call, calleeName: '=cmd()","x' }])
    expect(line).toContain(`,"'=cmd()"",""x",`)
    const named = (calleeName: string): string =>
      callCsv([{ ...call, calleeName }])
        .split('"c1","",')[1]!
        .split(',"audio"')[0]!
    // Where a semicolon or tab separates fields, a name may hold the start of one.
    expect(['-1', '+1', '@x', '＝x', 'a;=x', 'a; =x', 'a|-x', '\t=x', 'a\n=x'].map(named)).toEqual([
      ...[`"'-1"`, `"'+1"`, `"'@x"`, `"'＝x"`, `"a;'=x"`, `"a; '=x"`, `"a|'-x"`, `" '=x"`, `"a =x"`],
    ])
    expect(named('Jean-Luc a=b')).toBe('"Jean-Luc a=b"')
  })
})
