import { palette, type Ink } from '../../shared/palette.ts'

const inks = Object.entries(palette) satisfies [string, Ink][]
const variables = (theme: 'light' | 'dark'): string => inks.map(([kind, ink]) => `--k-${kind}:${ink[theme]};`).join('')
const kinds = inks.map(([kind]) => `.k-${kind}{fill:var(--k-${kind});background:var(--k-${kind})}`).join('\n')

/** The whole look: two themes, one accent, dense rows, addresses in aligned figures; paper gets the light one without what only a screen needs. */
export const STYLE = `
:root{color-scheme:light dark;${variables('light')}
--bg:#fff;--panel:#f6f7f9;--line:#d9dde3;--soft:#eceff2;--text:#1c2127;--muted:#5d6772;--accent:#0a5fb8;
--match:#0b7a5c;--differ:#b84300;--unobserved:#7d5b00;--unpredicted:#5d6772;--differ-bg:#fdf0e8;--byte:#ffd9bf}
@media (prefers-color-scheme:dark){:root{${variables('dark')}
--bg:#15181c;--panel:#1b1f24;--line:#32383f;--soft:#252a30;--text:#dde2e8;--muted:#97a1ac;--accent:#6fb3f5;
--match:#4cc9a0;--differ:#ff9a5c;--unobserved:#dcb24a;--unpredicted:#97a1ac;--differ-bg:#2b1f17;--byte:#6b3512}}
*{box-sizing:border-box}
html{scroll-padding-top:44px}
body{margin:0;background:var(--bg);color:var(--text);font:13px/1.45 system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
main{max-width:1560px;margin:0 auto;padding:0 20px 48px}
code,pre,.mono,.v{font:12px/1.45 ui-monospace,"SF Mono","Cascadia Mono","DejaVu Sans Mono",Menlo,Consolas,monospace;font-variant-numeric:tabular-nums}
a{color:var(--accent);text-decoration:none}
a:hover{text-decoration:underline}
a:focus-visible,summary:focus-visible,input:focus-visible+label{outline:2px solid var(--accent);outline-offset:1px}
nav{position:sticky;top:0;z-index:2;background:var(--panel);border-bottom:1px solid var(--line)}
nav div{max-width:1560px;margin:0 auto;padding:0 20px;display:flex;flex-wrap:wrap;gap:0 18px;align-items:center;min-height:34px}
nav b{margin-right:6px}
h1{font-size:20px;line-height:1.25;margin:22px 0 2px;font-weight:600}
h2{font-size:14px;font-weight:600;margin:30px 0 8px;padding-bottom:5px;border-bottom:1px solid var(--line)}
h3{font-size:13px;font-weight:600;margin:18px 0 6px}
p{margin:4px 0 8px;max-width:110ch}
.muted{color:var(--muted)}
.verdict{display:flex;flex-wrap:wrap;align-items:baseline;gap:4px 14px;margin:14px 0 0;padding:12px 16px;background:var(--panel);border:1px solid var(--line);border-left:4px solid var(--muted)}
.verdict strong{font-size:20px;letter-spacing:.01em}
.verdict.agreed{border-left-color:var(--match)}.verdict.agreed strong{color:var(--match)}
.verdict.disagreed,.verdict.lost{border-left-color:var(--differ)}.verdict.disagreed strong,.verdict.lost strong{color:var(--differ)}
.verdict.incomplete{border-left-color:var(--unobserved)}.verdict.incomplete strong{color:var(--unobserved)}
.counts{display:flex;flex-wrap:wrap;gap:0;margin:0;border:1px solid var(--line);border-top:0}
.counts div{padding:7px 16px 8px;border-right:1px solid var(--line)}
.counts dt{font-size:11px}.counts dd{margin:0;font-size:18px;font-variant-numeric:tabular-nums;line-height:1.2}
.facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(420px,100%),1fr));gap:1px;padding:1px;overflow:hidden;margin:12px 0}
.facts div{display:grid;grid-template-columns:84px 1fr;gap:8px;box-shadow:0 0 0 1px var(--line);padding:4px 10px}
.facts dt{color:var(--muted)}.facts dd{margin:0;overflow-wrap:anywhere}.facts dd.mono{font-size:10.5px;line-height:19px}
.tag{display:inline-block;padding:0 6px;border:1px solid currentColor;border-radius:3px;font-size:11px;line-height:16px;white-space:nowrap}
.finding{border:1px solid var(--line);margin:8px 0;padding:8px 12px;display:grid;grid-template-columns:110px 1fr;gap:2px 12px}
.finding h3{margin:0}.finding p{margin:2px 0;grid-column:2}.finding .mono{grid-column:2;color:var(--muted)}
.s-confirmed{color:var(--accent)}.s-refuted{color:var(--differ)}.s-not-observed{color:var(--unobserved)}
.match{color:var(--match)}.differ{color:var(--differ)}.unobserved{color:var(--unobserved)}.unpredicted{color:var(--unpredicted)}
ul.todo{list-style:none;margin:0;padding:0;border:1px solid var(--line);border-bottom:0}
ul.todo li{padding:5px 10px;border-bottom:1px solid var(--line);display:grid;grid-template-columns:104px minmax(180px,280px) 1fr;gap:2px 12px}
ul.todo span{overflow-wrap:anywhere}
section{overflow-x:auto}
table{border-collapse:collapse;width:100%}
th{font-weight:500;color:var(--muted);text-align:left;font-size:11px;background:var(--panel)}
th,td{border:1px solid var(--line);padding:4px 8px;vertical-align:top}
table.claims{table-layout:fixed}
.claims col.c-verdict{width:112px}.claims col.c-claim{width:20%}.claims col.c-basis{width:13%}
.claims tr.family th{background:var(--soft);color:var(--text);font-weight:600}
.claims tr.v-differ td{background:var(--differ-bg)}
.claims td{overflow-wrap:anywhere}
.claims .title,.claims .reason{display:block;color:var(--muted)}
.claims .reason{color:var(--text)}
.v{white-space:pre-wrap}.claims .v,.claims .mono{font-size:11px}.row{padding-left:2ch;text-indent:-2ch}
.none{color:var(--muted);font-style:italic}
details>summary{cursor:pointer;color:var(--accent);list-style-position:inside}
details>pre,details>.v{margin:4px 0}
pre{margin:4px 0;padding:8px 10px;background:var(--panel);border:1px solid var(--line);overflow:auto;max-height:420px;white-space:pre}
td pre{max-height:240px}
pre mark,.v mark{background:var(--byte);color:inherit;font-weight:600;text-decoration:underline}
.filter{position:absolute;opacity:0;pointer-events:none}
.filter+label{display:inline-block;padding:3px 12px;border:1px solid var(--line);margin-right:-1px;cursor:pointer;background:var(--bg)}
.filter:checked+label{background:var(--accent);border-color:var(--accent);color:var(--bg)}
.legend{display:flex;flex-wrap:wrap;gap:4px 16px;margin:4px 0;color:var(--muted)}
.legend i{display:inline-block;width:14px;height:11px;margin-right:6px;vertical-align:-1px;border:1px solid rgba(128,128,128,.5)}
.mapbox{overflow-x:auto;border:1px solid var(--line);padding:8px 8px 4px;background:var(--bg)}
svg.map{display:block;width:100%;min-width:900px;height:auto;font:10px ui-monospace,"DejaVu Sans Mono",Menlo,Consolas,monospace}
svg.map text{fill:var(--muted)}svg.map text.name{fill:var(--text);font-size:12px}
svg.map .grid line{stroke:var(--line);stroke-width:1}
svg.map .empty{fill:none;stroke:var(--line);stroke-width:1}
svg.map .lane rect:not(.empty){stroke:var(--bg);stroke-width:.6}
svg.map .k-difference{fill:url(#hatch);stroke:var(--k-difference)!important;stroke-width:1.4!important}
.legend .k-difference{background:repeating-linear-gradient(45deg,var(--k-difference) 0 2px,transparent 2px 5px)}
${kinds}
:target{scroll-margin-top:44px}
tr:target td,li:target{box-shadow:inset 3px 0 0 var(--accent)}
@media (max-width:900px){table.claims{min-width:900px}ul.todo li,.finding{grid-template-columns:1fr}.finding p,.finding .mono{grid-column:1}}
@media print{:root{${variables('light')}--bg:#fff;--panel:#f6f7f9;--line:#bbb;--soft:#eee;--text:#000;--muted:#444;--accent:#000}
nav,.filter+label{display:none}svg.map,table.claims{min-width:0}section,.mapbox{overflow:visible}code,pre,.mono,.v,.claims .v{font-size:9px}pre{max-height:none;white-space:pre-wrap}body{font-size:10px}h2,h3{break-after:avoid}tr,li,.finding,.mapbox{break-inside:avoid}}
`
