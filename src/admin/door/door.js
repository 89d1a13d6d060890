// Keeps an invite's fragment on the way to HTTPS, and goes there by itself once the browser accepts the certificate.
const { target, probe } = document.body.dataset
// Read each time: a second code scanned into the same tab changes nothing but the fragment.
const destination = () => target + location.hash
const aim = () => {
  document.getElementById('go').href = destination()
}

async function goWhenTrusted() {
  try {
    // The answer stays opaque: that there is one says the certificate was accepted.
    await fetch(probe, { mode: 'no-cors', cache: 'no-store', credentials: 'omit' })
    document.getElementById('state').textContent = 'This browser trusts the appliance: going on …'
    location.replace(destination())
  } catch {
    setTimeout(goWhenTrusted, 3000)
  }
}

aim()
addEventListener('hashchange', aim)
goWhenTrusted()
