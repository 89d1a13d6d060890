import { expect, it } from 'vitest'
import { otherCamera } from '../../web-phone/src/devices.ts'

const camera = (deviceId: string, label = '') => ({ deviceId, label })

it('one camera has no other', () => {
  expect(otherCamera([camera('a')], 'a')).toBeUndefined()
  expect(otherCamera([], 'a')).toBeUndefined()
})

it('the next camera comes in turn where labels tell nothing', () => {
  const cameras = [camera('a'), camera('b'), camera('c')]
  expect(otherCamera(cameras, 'a')).toBe('b')
  expect(otherCamera(cameras, 'c')).toBe('a')
  expect(otherCamera(cameras, 'gone')).toBe('a')
})

it('a phone’s camera gives way to one that looks the other way, however many there are', () => {
  const cameras = [
    camera('a', 'camera2 1, facing front'),
    camera('b', 'camera2 3, facing front'),
    camera('c', 'camera2 0, facing back'),
    camera('d', 'camera2 2, facing back'),
  ]
  expect(otherCamera(cameras, 'a')).toBe('c')
  expect(otherCamera(cameras, 'd')).toBe('a')
})
