/** How `trace.html` looks: light and dark by the reader's system, on paper, and on a telephone held upright. */
import { chartStyle } from './chart-svg.ts'
import { ladderStyle } from './ladder-svg.ts'

export const pageStyle = `:root{color-scheme:light dark;--ground:#fff;--raised:#f6f7f9;--text:#1b2027;--quiet:#5a6472;--line:#d9dde3;
--good:#1c7a4a;--bad:#b3352b;--fair:#8a5a00;--link:#1f5fbf;--ladder-ground:var(--ground)}
@media (prefers-color-scheme:dark){:root{--ground:#14171b;--raised:#1d2127;--text:#e8eaed;--quiet:#a3acb8;--line:#353b44;
--good:#5fc98f;--bad:#f08a80;--fair:#e0b04c;--link:#8ab8ff}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--text);font:15px/1.5 system-ui,sans-serif;overflow-wrap:anywhere}
.page{max-width:1060px;margin:0 auto;padding:28px 20px 64px}
a{color:var(--link)}a:focus-visible,summary:focus-visible,[tabindex]:focus-visible{outline:2px solid var(--link);outline-offset:2px;border-radius:4px}
.skip{position:absolute;left:-9999px}.skip:focus{left:12px;top:12px;background:var(--raised);padding:8px 12px}
h1{font-size:28px;line-height:1.2;margin:2px 0 14px}h2{font-size:19px;margin:40px 0 10px}h3{font-size:15px;margin:20px 0 6px}
p{margin:6px 0}.kicker,.quiet{color:var(--quiet)}.kicker{margin:0;font-size:14px}.small{font-size:13px}
.facts{display:grid;grid-template-columns:repeat(auto-fill,minmax(220px,1fr));gap:10px 24px;margin:0}
.facts dt{color:var(--quiet);font-size:13px}.facts dd{margin:0}
.phases{display:grid;grid-template-columns:max-content 1fr;gap:6px 16px;margin:0;font-size:13.5px;max-width:820px}.phases dt{font-weight:600}.phases dd{margin:0}
nav ul{display:flex;flex-wrap:wrap;gap:4px 16px;list-style:none;margin:20px 0 0;padding:10px 0 0;border-top:1px solid var(--line);font-size:14px}
.verdict{border-left:5px solid var(--tone);background:var(--raised);padding:14px 18px;border-radius:0 8px 8px 0;margin-top:24px}
.verdict h2{margin:0;font-size:13px;font-weight:600;color:var(--quiet)}.verdict .says{font-size:20px;line-height:1.35;font-weight:600;margin:2px 0 6px}
.tone-good{--tone:var(--good)}.tone-bad{--tone:var(--bad)}.tone-fair{--tone:var(--fair)}.tone-none{--tone:var(--quiet)}
.checked{list-style:none;margin:0;padding:0}.checked li{display:grid;grid-template-columns:28px 1fr;padding:9px 0;border-top:1px solid var(--line)}
.checked .mark{color:var(--tone);font-weight:700;font-size:17px;line-height:1.35}.checked .figures{color:var(--quiet);font-size:13.5px}
.sides{display:grid;grid-template-columns:1fr 1fr;gap:12px;margin:8px 0 16px}.sides>div{border:1px solid var(--line);border-top:3px solid var(--bad);border-radius:6px;padding:8px 12px}
.scroll{overflow-x:auto}.charts+.scroll,.charts+p{margin-top:14px}
table{border-collapse:collapse;width:100%;margin:6px 0;font-size:13.5px;overflow-wrap:normal}
th,td{text-align:left;vertical-align:top;padding:6px 14px 6px 0;border-bottom:1px solid var(--line)}thead th{color:var(--quiet);font-weight:600;white-space:nowrap}
tbody th{font-weight:600}.number{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}.nowrap{white-space:nowrap}
.fate{font-weight:600;white-space:nowrap;color:var(--tone)}
code,pre,.mono{font:12.5px/1.45 ui-monospace,monospace}.mono{overflow-wrap:anywhere}
pre{white-space:pre-wrap;overflow-wrap:anywhere;margin:6px 0;padding:10px 12px;background:var(--raised);border-radius:6px}
.charts{display:grid;grid-template-columns:1fr 1fr;gap:14px 32px}.legend{display:flex;flex-wrap:wrap;gap:4px 20px;font-size:13.5px}
.legend svg{vertical-align:middle;margin-right:6px}.legend .toCallee{stroke:var(--to-callee,#4a7fc4);stroke-width:2.5}
.legend .toCaller{stroke:var(--to-caller,#b9801f);stroke-width:2.5;stroke-dasharray:5 3}
.narrow{display:none}
.events{list-style:none;margin:8px 0;padding:0}.events>li{display:grid;grid-template-columns:76px 76px 1fr;gap:0 12px;padding:4px 0;border-bottom:1px solid var(--line);font-size:13.5px}
.events>li:target{background:var(--raised);box-shadow:-5px 0 0 var(--link)}.events .at{text-align:right;font-variant-numeric:tabular-nums;color:var(--quiet)}
details>summary{cursor:pointer}section>details>summary{font-weight:600}
footer{margin-top:44px;border-top:1px solid var(--line);padding-top:12px;color:var(--quiet);font-size:13px}
${ladderStyle}
${chartStyle}
@media (max-width:760px){.facts{grid-template-columns:repeat(auto-fill,minmax(150px,1fr))}.page{padding:16px 12px 48px}h1{font-size:23px}.wide{display:none}.narrow{display:block}.charts,.sides{grid-template-columns:1fr}
.events>li{grid-template-columns:62px 1fr}.events .who{grid-row:2;grid-column:1;text-align:right;color:var(--quiet)}.events .what{grid-row:1/span 2;grid-column:2}}
@page{size:A4;margin:14mm}
@media print{:root{--ground:#fff;--raised:#f4f5f7;--text:#000;--quiet:#444;--line:#bbb;--good:#14633b;--bad:#98261d;--fair:#6d4700;--link:#000;color-scheme:light}
body{font-size:10.5pt}.page{max-width:none;padding:0}nav,.skip{display:none}.wide{display:block}.narrow{display:none}
h2,h3{break-after:avoid}.verdict,.checked li,.sides,tr,.chart,.events>li{break-inside:avoid}.charts{grid-template-columns:1fr 1fr}.sides{grid-template-columns:1fr 1fr}
.scroll{overflow:visible}table,.events>li{font-size:8.5pt}a{text-decoration:none}}`
