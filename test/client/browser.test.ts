import { describe, expect, it } from 'vitest'
import { turnUrls } from '../../client/browser.ts'

const firefox = 'Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0'
const chromium = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/156.0.0.0 Safari/537.36'
const urls = ['turn:10.0.0.1:3478?transport=udp', 'turns:10.0.0.1:5349?transport=tcp']

describe('the URLs of the relay', () => {
  it('have the name the page was loaded by where Firefox would use TLS', () => {
    expect(turnUrls(urls, firefox, 'lanline.local')).toEqual([
      'turn:10.0.0.1:3478?transport=udp',
      'turns:lanline.local:5349?transport=tcp',
    ])
    expect(turnUrls(['turns:[fd00::1]:5349?transport=tcp'], firefox, 'lanline')).toEqual([
      'turns:lanline:5349?transport=tcp',
    ])
  })

  it('are as the appliance gave them in other browsers, in Node, and on a page loaded by an address', () => {
    expect(turnUrls(urls, chromium, 'lanline.local')).toEqual(urls)
    expect(turnUrls(urls, 'Node.js/26', '')).toEqual(urls)
    expect(turnUrls(urls, firefox, '10.0.0.1')).toEqual(urls)
    expect(turnUrls(urls, firefox, '[fd00::1]')).toEqual(urls)
  })
})
