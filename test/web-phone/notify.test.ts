import { expect, it } from 'vitest'
import { noticeOf, type ToldCall } from '../../web-phone/src/notify.ts'

const ringing: ToldCall = {
  direction: 'incoming',
  video: false,
  party: { name: 'Oma' },
  calledFor: undefined,
  state: 'incoming',
  end: undefined,
}
const ended = (reason: 'cancelled' | 'declined' | 'answeredElsewhere' | 'noAnswer'): ToldCall => ({
  ...ringing,
  state: 'ended',
  end: { by: 'peer', reason, code: 0 },
})

it('who looks at the page is told nothing beside it', () => {
  expect(noticeOf(ringing, false, true)).toBeUndefined()
})

it('who looks at something else is told who calls, until it is answered', () => {
  expect(noticeOf(ringing, false, false)).toMatchObject({ title: 'Oma is calling', rings: true })
  expect(noticeOf({ ...ringing, video: true }, false, false)?.title).toBe('Oma is calling with video')
  expect(noticeOf(ringing, true, true), 'it stays while the page is looked for').toMatchObject({
    rings: true,
  })
  expect(noticeOf({ ...ringing, state: 'answering' }, true, true)).toBeUndefined()
})

it('what rang out there and was missed is said there, once and for good', () => {
  expect(noticeOf(ended('cancelled'), true, false)).toMatchObject({
    title: 'You missed a call from Oma',
    rings: false,
  })
  expect(noticeOf(ended('cancelled'), false, true)).toBeUndefined()
})

it('a call that rings here in somebody’s place is told as theirs', () => {
  const calledFor = { name: 'House' }
  expect(noticeOf({ ...ringing, calledFor }, false, false)?.title).toBe('Oma is calling for House')
  expect(noticeOf({ ...ended('cancelled'), calledFor }, true, false)?.title).toBe(
    'You missed a call from Oma for House',
  )
})

it('a call that was taken or declined leaves nothing', () => {
  for (const reason of ['declined', 'answeredElsewhere'] as const)
    expect(noticeOf(ended(reason), true, false)).toBeUndefined()
})

it('one’s own calls are no news', () => {
  expect(noticeOf({ ...ringing, direction: 'outgoing', state: 'ringing' }, false, false)).toBeUndefined()
})
